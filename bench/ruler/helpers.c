/* What the harness and its peers need besides. */
#define _GNU_SOURCE
#include "ruler.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

static void
tell(const char *file, const char *tty)
{
	char path[4096];
	FILE *f;

	/* Renamed, so that whoever waits for it finds all of it. */
	snprintf(path, sizeof path, "%s.new", file);
	f = fopen(path, "w");
	if (f == NULL || fprintf(f, "%s\n", tty) < 0 || fclose(f) != 0 ||
	    rename(path, file) == -1)
		fail(file);
}

/* The command of a zone whose server wants one: keep the terminal open, and tell its
 * name, so that the ruler can be at the zone's side. */
int
hold(const char *file)
{
	struct pollfd p = { STDIN_FILENO, 0, 0 };
	struct termios t;

	if (tcgetattr(STDIN_FILENO, &t) == -1)
		fail("hold needs a terminal");
	cfmakeraw(&t);
	tcsetattr(STDIN_FILENO, TCSANOW, &t);
	tell(file, ttyname(STDIN_FILENO));
	signal(SIGINT, SIG_IGN);
	/* It ends with its server, however that ends. */
	while (poll(&p, 1, -1) <= 0 || (p.revents & (POLLHUP | POLLERR)) == 0)
		;
	return 0;
}

/* The least that can be between a zone and a client: what it reaches, no server can
 * pass, and the ruler can measure. */
int
relay(const char *address, const char *file)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	static char buffer[65536];
	int manager, subsidiary, door, client = -1;
	char tty[64];
	struct termios t;

	if (openpty(&manager, &subsidiary, tty, NULL, NULL) == -1)
		fail("openpty");
	tcgetattr(subsidiary, &t);
	cfmakeraw(&t);
	tcsetattr(subsidiary, TCSANOW, &t);
	snprintf(at.sun_path, sizeof at.sun_path, "%s", address);
	door = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(door, (struct sockaddr *)&at, sizeof at) == -1 || listen(door, 4) == -1)
		fail(address);
	tell(file, tty);
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		struct pollfd p[3] = { { manager, POLLIN, 0 }, { client, POLLIN, 0 },
		    { client == -1 ? door : -1, POLLIN, 0 } };
		bool over = false;

		poll(p, 3, -1);
		if (p[2].revents)
			client = accept(door, NULL, NULL);
		if (p[0].revents) {
			ssize_t n = read(manager, buffer, sizeof buffer);

			if (n > 0 && client != -1 && write(client, buffer, n) != n)
				over = true;
		}
		if (client != -1 && p[1].revents) {
			ssize_t n = read(client, buffer, sizeof buffer);

			if (n <= 0 || write(manager, buffer, n) != n)
				over = true;
		}
		if (over) {
			close(client);
			client = -1;
		}
	}
}

/* Keep a processor from halting, whenever nothing else wants it. */
int
spin(const char *processor)
{
	struct sched_param none = { 0 };
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(atoi(processor), &one);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (sched_setaffinity(0, sizeof one, &one) == -1 ||
	    sched_setscheduler(0, SCHED_IDLE, &none) == -1)
		fail("spin");
	for (;;)
#if defined(__x86_64__) || defined(__i386__)
		__builtin_ia32_pause();
#else
		__asm__ volatile("" ::: "memory");
#endif
}
