/* What stopped and silent peers do to the zone, and to a newcomer. */
#define _GNU_SOURCE
#include "ruler.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Longer than the second after which an operator counts as stalled. */
#define STALL_MS 1600
#define NEWCOMER_MS 2000

/* What the zone can print now, in MiB a second. */
static double
zoneRate(void)
{
	uint64_t before = shared->sent;
	long began = now();

	pauseMs((long)(options.seconds * 1e3));
	return (shared->sent - before) / 1048576.0 / ((now() - began) / 1e9);
}

/* How long somebody who comes now waits for any answer, in us; -1 for none. */
static double
newcomer(void)
{
	struct session s = { .wire = options.wire };
	long began = now();

	while ((s.fd = dial(&options.zones[0], false)) == -1) {
		if (now() - began > NEWCOMER_MS * 1000000L)
			return -1;
		pauseMs(1);
	}
	if (greet(&s, &options.zones[0], OPERATOR, NEWCOMER_MS) == NONE) {
		close(s.fd);
		return -1;
	}
	close(s.fd);
	return ((s.told ? s.told : now()) - began) / 1e3;
}

static void
seat(struct session *s, enum wire wire, enum role role)
{
	if (!attach(s, &options.zones[0], wire, role))
		wrong("could not attach");
}

void
measureTrouble(void)
{
	bool stoppedOperator = strcmp(options.kind, "operator") == 0;
	bool stoppedWatcher = strcmp(options.kind, "watcher") == 0;
	struct session operator, watcher = { .fd = -1 };
	int *silent = calloc(options.count + 1, sizeof *silent), came = 0;
	double undisturbed, disturbed, answer;
	bool answered;
	pid_t flood, drain = -1;

	if (!stoppedOperator) {
		seat(&operator, options.wire, OPERATOR);
		settle(&operator, 1);
		drain = startDrain(&operator, 1);
	}
	flood = startZone(&options.zones[0], zoneFloods);
	pauseMs(100);
	undisturbed = zoneRate();
	/* Nobody drains this one. */
	if (stoppedOperator)
		seat(&operator, options.wire, OPERATOR);
	else if (stoppedWatcher)
		seat(&watcher, options.watchers, WATCHER);
	else
		for (int i = 0; i < options.count; i++) {
			/* In peace, so that a short backlog is not what is measured. */
			for (int tries = 0; tries < 20; tries++) {
				silent[came] = dial(&options.zones[0], false);
				if (silent[came] != -1) {
					came++;
					break;
				}
				pauseMs(1);
			}
		}
	pauseMs(STALL_MS);
	disturbed = zoneRate();
	answered = options.wire != DTACH && options.wire != RAW;
	answer = answered ? newcomer() : 0;
	figure("undisturbed_mib_s", undisturbed);
	figure("disturbed_mib_s", disturbed);
	figure("rate_pct", 100 * disturbed / undisturbed);
	if (!stoppedOperator && !stoppedWatcher)
		figure("came", came);
	if (answered && answer >= 0)
		figure("newcomer_us", answer);
	else if (answered)
		figure("unanswered", 1);
	end(flood);
	while (came > 0)
		close(silent[--came]);
	if (watcher.fd != -1)
		close(watcher.fd);
	close(operator.fd);
	if (drain != -1)
		end(drain);
	flush(&options.zones[0]);
}
