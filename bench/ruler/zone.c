/* The zone's side: processes at the subsidiary, each with one thing to do. */
#define _GNU_SOURCE
#include "ruler.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* When a key arrived. */
int stampPipe[2] = { -1, -1 };

static int gate[2] = { -1, -1 };

static pid_t
child(void)
{
	pid_t pid = fork();

	if (pid == -1)
		fail("fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == 1)
			_exit(0);
	}
	return pid;
}

static int
openZone(const struct zone *zone)
{
	struct termios t;
	int fd = open(zone->tty, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd == -1 || tcgetattr(fd, &t) == -1)
		fail(zone->tty);
	cfmakeraw(&t);
	tcsetattr(fd, TCSANOW, &t);
	return fd;
}

/* A process at the zone's side; one that writes waits for the gate to be opened. */
pid_t
startZone(const struct zone *zone, zoneSide side)
{
	int fd = openZone(zone);
	pid_t pid;

	if (gate[0] == -1 && pipe2(gate, O_CLOEXEC) == -1)
		fail("pipe");
	tcflush(fd, TCIOFLUSH);
	pid = child();
	if (pid == 0) {
		side(fd);
		for (;;)
			pause();
	}
	close(fd);
	return pid;
}

/* A process that receives for these sessions, and only counts. */
pid_t
startDrain(struct session *sessions, int count)
{
	pid_t pid = child();
	struct epoll_event events[64];
	char *buffer;
	int all;

	if (pid != 0)
		return pid;
	buffer = malloc(BUFFER);
	all = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < count; i++) {
		struct epoll_event e = { EPOLLIN, { .fd = sessions[i].fd } };

		epoll_ctl(all, EPOLL_CTL_ADD, sessions[i].fd, &e);
	}
	for (;;) {
		int ready = epoll_wait(all, events, 64, -1);

		for (int i = 0; i < ready; i++) {
			int fd = events[i].data.fd;
			ssize_t n = recv(fd, buffer, BUFFER, MSG_DONTWAIT);

			if (n > 0)
				__atomic_add_fetch(&shared->drained, n, __ATOMIC_RELAXED);
			else if (n == 0 || errno != EAGAIN)
				epoll_ctl(all, EPOLL_CTL_DEL, fd, NULL);
		}
	}
}

void
openGate(void)
{
	if (write(gate[1], "g", 1) != 1)
		fail("gate");
}

void
end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Forget what nobody has read. */
void
flush(const struct zone *zone)
{
	int fd = open(zone->tty, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	if (fd == -1)
		return;
	tcflush(fd, TCIOFLUSH);
	close(fd);
}

static void
pass(void)
{
	char c;

	while (read(gate[0], &c, 1) == -1 && errno == EINTR)
		;
}

static void
writeOn(int fd)
{
	ssize_t n = write(fd, pattern + shared->sent % PERIOD, CHUNK);

	if (n > 0)
		__atomic_add_fetch(&shared->sent, n, __ATOMIC_RELAXED);
	else if (errno != EINTR)
		pauseMs(1);
}

/* Print for as long as the measure takes. */
void
zoneWrites(int fd)
{
	long until;

	pass();
	until = now() + (long)(options.seconds * 1e9);
	while (now() < until)
		writeOn(fd);
	shared->last = now();
	__atomic_store_n(&shared->done, true, __ATOMIC_RELEASE);
}

void
zoneFloods(int fd)
{
	for (;;)
		writeOn(fd);
}

/* Read what is typed, and verify it. */
void
zoneReads(int fd)
{
	char *buffer = malloc(BUFFER);

	for (;;) {
		ssize_t n = read(fd, buffer, BUFFER);

		if (n <= 0) {
			pauseMs(1);
			continue;
		}
		if (!matches(buffer, n, shared->got))
			shared->corrupt = true;
		shared->last = now();
		__atomic_add_fetch(&shared->got, n, __ATOMIC_RELEASE);
	}
}

void
zoneEchoes(int fd)
{
	char buffer[4096];

	for (;;) {
		ssize_t n = read(fd, buffer, sizeof buffer);

		if (n > 0 && write(fd, buffer, n) == n)
			continue;
		pauseMs(1);
	}
}

/* Tell when each key arrives. */
void
zoneStamps(int fd)
{
	char buffer[64];

	for (;;) {
		ssize_t n = read(fd, buffer, sizeof buffer);
		long when = now();

		if (n <= 0)
			pauseMs(1);
		else if (write(stampPipe[1], &when, sizeof when) == -1)
			_exit(1);
	}
}
