/* Keystrokes: their echo, their way to a zone that floods, and beside others that do. */
#define _GNU_SOURCE
#include "ruler.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SAMPLES 1000000
#define GAP_NS 2000000L
#define WARM_UP 100

static long samples[SAMPLES];

static void
waitNs(long ns)
{
	struct timespec t = { 0, ns };

	nanosleep(&t, NULL);
}

/* Type one key and wait for its echo; nanoseconds, or -1. */
static long
echoed(struct session *s, int turn)
{
	char key = 'a' + turn % 26, buffer[4096];
	uint64_t got = s->got;
	long began = now();

	if (!type(s, &key, 1))
		return -1;
	while (s->got == got || s->key != (unsigned char)key) {
		ssize_t n = recv(s->fd, buffer, sizeof buffer, 0);

		if (n <= 0)
			return -1;
		take(s, buffer, n);
	}
	return now() - began;
}

/* Keys, one after another, for as long as the measure takes. */
static long
keys(struct session *s, long gap)
{
	long until = now() + (long)(options.seconds * 1e9), count = 0;

	while (now() < until && count < SAMPLES) {
		if (gap > 0)
			waitNs(gap);
		samples[count] = echoed(s, count);
		if (samples[count] == -1)
			wrong("no echo");
		count++;
	}
	return count;
}

static void
blocking(struct session *s)
{
	struct timeval limit = { 5, 0 };

	fcntl(s->fd, F_SETFL, fcntl(s->fd, F_GETFL) & ~O_NONBLOCK);
	setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

static pid_t
echoingZone(struct session *s, const struct zone *zone)
{
	pid_t pid;

	if (!attach(s, zone, options.wire, OPERATOR))
		wrong("could not attach");
	pid = startZone(zone, zoneEchoes);
	settle(s, 1);
	s->verify = false;
	blocking(s);
	for (int i = 0; i < WARM_UP; i++)
		if (echoed(s, i) == -1)
			wrong("no echo");
	return pid;
}

void
measureEcho(void)
{
	struct session s;
	pid_t zone = echoingZone(&s, &options.zones[0]);
	double cpu = serverCpu();
	long count = keys(&s, 0);

	cpu = serverCpu() - cpu;
	percentiles("echo", samples, count);
	figure("cpu_us_key", cpu * 1e6 / count);
	close(s.fd);
	end(zone);
}

/* From a key to the zone that prints without an end, while the operator reads. */
void
measureFloodKey(void)
{
	struct session s;
	pid_t flood, reader, drain;
	long count = 0, began, until, arrived;
	uint64_t before;

	if (pipe2(stampPipe, O_CLOEXEC) == -1)
		fail("pipe");
	if (!attach(&s, &options.zones[0], options.wire, OPERATOR))
		wrong("could not attach");
	settle(&s, 1);
	reader = startZone(&options.zones[0], zoneStamps);
	flood = startZone(&options.zones[0], zoneFloods);
	drain = startDrain(&s, 1);
	pauseMs(100);
	before = shared->drained;
	began = now();
	until = began + (long)(options.seconds * 1e9);
	while (now() < until && count < SAMPLES) {
		struct pollfd p = { stampPipe[0], POLLIN, 0 };
		long typed;

		waitNs(GAP_NS);
		typed = now();
		if (!type(&s, "k", 1) || poll(&p, 1, 5000) <= 0 ||
		    read(stampPipe[0], &arrived, sizeof arrived) != sizeof arrived)
			wrong("a key did not arrive");
		samples[count++] = arrived - typed;
	}
	figure("mib_s", (shared->drained - before) / 1048576.0 / ((now() - began) / 1e9));
	percentiles("key", samples, count);
	end(flood);
	end(reader);
	end(drain);
	close(s.fd);
	flush(&options.zones[0]);
}

/* The echo of one zone while others print without an end, each to its operator. */
void
measureNeighbour(void)
{
	int floods = options.count;
	struct session quiet, *loud = calloc(floods, sizeof *loud);
	pid_t *pids = calloc(floods, sizeof *pids), zone, drain;
	uint64_t before;
	long count, began;

	if (options.zoneCount <= floods)
		wrong("too few zones");
	zone = echoingZone(&quiet, &options.zones[floods]);
	for (int i = 0; i < floods; i++) {
		if (!attach(&loud[i], &options.zones[i], options.wire, OPERATOR))
			wrong("could not attach");
	}
	settle(loud, floods);
	drain = startDrain(loud, floods);
	for (int i = 0; i < floods; i++)
		pids[i] = startZone(&options.zones[i], zoneFloods);
	pauseMs(300);
	before = shared->drained;
	began = now();
	count = keys(&quiet, GAP_NS);
	figure("mib_s", (shared->drained - before) / 1048576.0 / ((now() - began) / 1e9));
	percentiles("echo", samples, count);
	for (int i = 0; i < floods; i++)
		end(pids[i]);
	end(drain);
	for (int i = 0; i < floods; i++) {
		close(loud[i].fd);
		flush(&options.zones[i]);
	}
	close(quiet.fd);
	end(zone);
}
