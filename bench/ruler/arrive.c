/* Attaching, being turned away, and everybody at once. */
#define _GNU_SOURCE
#include "ruler.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SAMPLES 200000
#define ANSWER_MS 2000
#define STORM_MS 10000
#define WARM_UP 3

static long samples[SAMPLES];

static int
patientDial(const struct zone *zone)
{
	for (int tries = 0; tries < 1000; tries++) {
		int fd = dial(zone, true);

		if (fd != -1)
			return fd;
		pauseMs(1);
	}
	fail("could not connect");
}

/* From connecting to being seated, again and again; each time the last one has left. */
void
measureAttach(void)
{
	long until = 0, count = 0, refused = 0, warm = WARM_UP;
	double cpu = 0;

	while (warm >= 0 || (now() < until && count < SAMPLES)) {
		struct session s = { .wire = options.wire };
		long began;

		/* The first that a server ever has may take it much longer. */
		if (warm-- == 0) {
			count = refused = 0;
			cpu = serverCpu();
			until = now() + (long)(options.seconds * 1e9);
		}
		began = now();
		enum answer answer;

		s.fd = patientDial(&options.zones[0]);
		answer = greet(&s, &options.zones[0], OPERATOR, ANSWER_MS);
		/* A peer that still has the last one makes a watcher of this one. */
		if (answer == SEATED || (answer == BUSY && options.wire == CONSERVER))
			samples[count++] = (s.told ? s.told : now()) - began;
		else
			refused++;
		close(s.fd);
		/* Leaving is not what is measured here. */
		pauseMs(1);
	}
	cpu = serverCpu() - cpu;
	figure("cpu_us", cpu * 1e6 / (count + refused));
	figure("refused_pct", 100.0 * refused / (count + refused));
	percentiles("attach", samples, count);
}

/* Somebody has the seat, and others come and are told so. */
void
measureBusy(void)
{
	struct session holder;
	long began, until, count = 0;
	double cpu;

	if (!attach(&holder, &options.zones[0], options.wire, OPERATOR))
		wrong("could not attach");
	cpu = serverCpu();
	began = now();
	until = began + (long)(options.seconds * 1e9);
	while (now() < until && count < SAMPLES) {
		struct session s = { .wire = options.wire };
		long start = now();

		s.fd = patientDial(&options.zones[0]);
		if (greet(&s, &options.zones[0], OPERATOR, ANSWER_MS) != BUSY)
			wrong("was not turned away");
		samples[count++] = now() - start;
		close(s.fd);
	}
	cpu = serverCpu() - cpu;
	figure("per_s", count / ((now() - began) / 1e9));
	figure("cpu_us", cpu * 1e6 / count);
	percentiles("busy", samples, count);
	close(holder.fd);
}

static void
greetOneByOne(struct session *sessions, int *seated)
{
	for (int i = 0; i < options.zoneCount; i++) {
		sessions[i].wire = options.wire;
		sessions[i].fd = patientDial(&options.zones[i]);
		if (greet(&sessions[i], &options.zones[i], OPERATOR, ANSWER_MS) != NONE)
			(*seated)++;
	}
}

/* All say who they are before anybody waits for an answer. */
static void
greetTogether(struct session *sessions, int *seated)
{
	char line[128];
	struct epoll_event events[256];
	int all = epoll_create1(EPOLL_CLOEXEC);

	if (options.wire == ATTACH)
		strcpy(line, "ATTACH {\"v\":1}\n");
	else
		snprintf(line, sizeof line, "IDENT %d C 0\n", (int)getpid());
	for (int i = 0; i < options.zoneCount; i++) {
		struct epoll_event e = { EPOLLIN, { .u32 = i } };

		sessions[i].fd = patientDial(&options.zones[i]);
		if (send(sessions[i].fd, line, strlen(line), MSG_NOSIGNAL) == -1)
			continue;
		epoll_ctl(all, EPOLL_CTL_ADD, sessions[i].fd, &e);
	}
	while (*seated < options.zoneCount) {
		int ready = epoll_wait(all, events, 256, STORM_MS);

		if (ready <= 0)
			break;
		for (int i = 0; i < ready; i++) {
			int fd = sessions[events[i].data.u32].fd;

			epoll_ctl(all, EPOLL_CTL_DEL, fd, NULL);
			if (readLine(fd, line, sizeof line, ANSWER_MS) > 0)
				(*seated)++;
		}
	}
	close(all);
}

/* An operator for every zone; they stay until our input ends. */
void
measureEverybody(void)
{
	struct session *sessions = calloc(options.zoneCount, sizeof *sessions);
	double cpu = serverCpu();
	long began = now();
	int seated = 0;
	char c;

	if (options.wire == IDENT || options.wire == ATTACH)
		greetTogether(sessions, &seated);
	else
		greetOneByOne(sessions, &seated);
	figure("per_s", seated / ((now() - began) / 1e9));
	figure("seated", seated);
	figure("cpu_us", (serverCpu() - cpu) * 1e6 / (seated ? seated : 1));
	printf("}\n");
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0 || errno == EINTR)
		;
	exit(0);
}
