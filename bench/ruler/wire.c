/* How a session begins with each kind of server, and what then goes over it. */
#define _GNU_SOURCE
#include "ruler.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FRAME_OUTPUT 0x01
#define FRAME_INPUT 0x41
#define INPUT_MAX (32 * 1024)
/* dtach: a type, a length, eight bytes. */
#define DTACH_PACKET 10
#define DTACH_ROOM 8
#define DTACH_ATTACH 1

static int
dialTcp(const char *host, int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, host, &to.sin_addr);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
		return fd;
	close(fd);
	return -1;
}

static void
hostAndPort(const struct zone *zone, char *host, int *port, const char **name)
{
	if (sscanf(zone->address, "%63[^:]:%d", host, port) != 2)
		wrong("a conserver zone is HOST:PORT/NAME");
	*name = strchr(zone->address, '/') + 1;
}

/* Connect; without waiting, where a full backlog counts as a failure. */
int
dial(const struct zone *zone, bool wait)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;

	if (options.wire == CONSERVER) {
		char host[64];
		const char *name;
		int port;

		hostAndPort(zone, host, &port, &name);
		return dialTcp(host, port);
	}
	if (strlen(zone->address) >= sizeof to.sun_path)
		wrong("the path of a socket is too long");
	strcpy(to.sun_path, zone->address);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (wait ? 0 : SOCK_NONBLOCK), 0);
	if (fd == -1)
		fail("socket");
	if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
		return fd;
	close(fd);
	return -1;
}

/* One line with its newline and not a byte more; its length, or -1. */
ssize_t
readLine(int fd, char *line, size_t size, int timeoutMs)
{
	size_t has = 0;
	int one = 1;

	while (has < size - 1) {
		struct pollfd p = { fd, POLLIN, 0 };
		char *newline;
		ssize_t n;

		if (poll(&p, 1, timeoutMs) <= 0)
			return -1;
		n = recv(fd, line + has, size - 1 - has, MSG_PEEK);
		if (n <= 0)
			return -1;
		newline = memchr(line + has, '\n', n);
		if (newline != NULL)
			n = newline + 1 - (line + has);
		if (recv(fd, line + has, n, 0) != n)
			return -1;
		has += n;
		if (newline != NULL)
			break;
		/* A line that its server writes in two pieces: the second waits for the
		 * acknowledgement of the first, which Linux delays by 40 ms. */
		if (options.wire == CONSERVER)
			setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
	}
	line[has] = '\0';
	return has;
}

static bool
says(int fd, const char *text)
{
	size_t size = strlen(text);

	return send(fd, text, size, MSG_NOSIGNAL) == (ssize_t)size;
}

static enum answer
greetIdent(struct session *s, int timeoutMs)
{
	char line[256];

	snprintf(line, sizeof line, "IDENT %d C 0\n", (int)getpid());
	if (!says(s->fd, line) || readLine(s->fd, line, sizeof line, timeoutMs) < 0)
		return NONE;
	return strcmp(line, "OK\n") == 0 ? SEATED : BUSY;
}

static enum answer
greetAttach(struct session *s, enum role role, int timeoutMs)
{
	char line[4096];
	const char *offset;

	snprintf(line, sizeof line, "ATTACH {\"v\":1,\"role\":\"%s\",\"start\":\"%s\"}\n",
	    role == WATCHER ? "watch" : "operator", options.history ? "all" : "live");
	if (!says(s->fd, line) || readLine(s->fd, line, sizeof line, timeoutMs) < 0)
		return NONE;
	if (strstr(line, "\"ok\": true") == NULL && strstr(line, "\"ok\":true") == NULL)
		return BUSY;
	offset = strstr(line, "\"offset\":");
	if (offset == NULL)
		return NONE;
	s->offset = strtoull(offset + strlen("\"offset\":"), NULL, 10);
	return SEATED;
}

/* Log in on the connection that is there, call the console, and return the answer. */
static bool
call(int fd, const char *name, char *line, size_t size, int timeoutMs)
{
	char words[128];

	if (readLine(fd, line, size, timeoutMs) < 0 || strcmp(line, "ok\r\n") != 0 ||
	    !says(fd, "login ruler\r\n") ||
	    readLine(fd, line, size, timeoutMs) < 0 || strcmp(line, "ok\r\n") != 0)
		return false;
	snprintf(words, sizeof words, "call %s\r\n", name);
	return says(fd, words) && readLine(fd, line, size, timeoutMs) >= 0;
}

static enum answer
greetConserver(struct session *s, const struct zone *zone, int timeoutMs)
{
	char host[64], line[256];
	const char *name;
	bool seated;
	int port;

	hostAndPort(zone, host, &port, &name);
	if (!call(s->fd, name, line, sizeof line, timeoutMs))
		return NONE;
	/* The first answer is the port of the process that has this console. */
	port = atoi(line);
	close(s->fd);
	s->fd = dialTcp(host, port);
	if (s->fd == -1 || !call(s->fd, name, line, sizeof line, timeoutMs))
		return NONE;
	s->told = now();
	seated = strcmp(line, "[attached]\r\n") == 0;
	/* As its own client does: only then does output come. */
	if (!says(s->fd, "\005c;") || readLine(s->fd, line, sizeof line, timeoutMs) < 0)
		return NONE;
	return seated ? SEATED : BUSY;
}

enum answer
greet(struct session *s, const struct zone *zone, enum role role, int timeoutMs)
{
	switch (s->wire) {
	case IDENT:
		return greetIdent(s, timeoutMs);
	case ATTACH:
		return greetAttach(s, role, timeoutMs);
	case CONSERVER:
		return greetConserver(s, zone, timeoutMs);
	case DTACH: {
		char packet[DTACH_PACKET] = { DTACH_ATTACH };

		return send(s->fd, packet, sizeof packet, MSG_NOSIGNAL) ==
		    DTACH_PACKET ? SEATED : NONE;
	}
	case RAW:
		break;
	}
	return SEATED;
}

/* A new session; tried for some seconds, since the last one may not be gone yet. */
bool
attach(struct session *s, const struct zone *zone, enum wire wire, enum role role)
{
	for (int tries = 0; tries < 200; tries++) {
		enum answer answer;

		memset(s, 0, sizeof *s);
		s->wire = wire;
		s->fd = dial(zone, false);
		if (s->fd != -1) {
			answer = greet(s, zone, role, 2000);
			if (answer == SEATED || (answer == BUSY && role == WATCHER &&
			    wire == CONSERVER))
				return true;
			close(s->fd);
		}
		pauseMs(20);
	}
	return false;
}

static void
settleOne(struct session *s, int patienceMs)
{
	struct pollfd p = { s->fd, POLLIN, 0 };
	static char buffer[BUFFER];

	s->verify = false;
	while (poll(&p, 1, patienceMs) > 0) {
		ssize_t n = recv(s->fd, buffer, sizeof buffer, MSG_DONTWAIT);

		if (n <= 0)
			break;
		take(s, buffer, n);
	}
	s->got = s->missed = s->place = 0;
	s->origin = s->offset;
	s->verify = true;
	s->corrupt = false;
}

/* Pass over what is left from before; what comes from now on counts. */
void
settle(struct session *sessions, int count)
{
	/* While the first of them is waited for, the others get theirs. */
	for (int i = 0; i < count; i++)
		settleOne(&sessions[i], i == 0 ? 60 : 2);
}

static void
output(struct session *s, const char *data, size_t size)
{
	if (s->verify && !s->corrupt && s->offset >= s->verifyFrom &&
	    !matches(data, size, s->place))
		s->corrupt = true;
	s->place += size;
	s->got += size;
	s->run += size;
	s->key = data[size - 1];
}

static void
frameBegins(struct session *s)
{
	uint64_t offset = 0;

	if (s->head[0] != FRAME_OUTPUT)
		return;
	for (int i = 4; i < 12; i++)
		offset = offset << 8 | s->head[i];
	if (s->verify && offset > s->offset)
		s->missed += offset - s->offset;
	if (offset != s->offset)
		s->run = 0;
	s->offset = offset;
	s->place = offset - s->origin;
}

static void
takeFrames(struct session *s, const char *data, size_t size)
{
	while (size > 0) {
		size_t wanted = s->headHas >= 4 && s->head[0] == FRAME_OUTPUT ? 12 : 4;
		size_t n;

		if (!s->inPayload) {
			s->head[s->headHas++] = *data++;
			size--;
			if (s->headHas == 4)
				wanted = s->head[0] == FRAME_OUTPUT ? 12 : 4;
			if (s->headHas < wanted)
				continue;
			s->left = (size_t)s->head[1] << 16 | s->head[2] << 8 | s->head[3];
			s->left -= wanted - 4;
			frameBegins(s);
			s->inPayload = true;
		}
		n = size < s->left ? size : s->left;
		if (n > 0 && s->head[0] == FRAME_OUTPUT) {
			output(s, data, n);
			s->offset += n;
		}
		data += n;
		size -= n;
		s->left -= n;
		if (s->left == 0) {
			s->inPayload = false;
			s->headHas = 0;
		}
	}
}

/* What has come over a session. */
void
take(struct session *s, const char *data, size_t size)
{
	s->last = now();
	if (s->wire == ATTACH)
		takeFrames(s, data, size);
	else
		output(s, data, size);
}

static bool
sendAll(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = send(fd, data, size, MSG_NOSIGNAL);

		if (n <= 0) {
			struct pollfd p = { fd, POLLOUT, 0 };

			if (n == -1 && errno == EAGAIN && poll(&p, 1, 3000) > 0)
				continue;
			return false;
		}
		data += n;
		size -= n;
	}
	return true;
}

/* Type something, in whatever way the server wants it; false if it takes no more. */
bool
type(struct session *s, const char *data, size_t size)
{
	static char buffer[INPUT_MAX + 4], packets[CHUNK / DTACH_ROOM * DTACH_PACKET];
	size_t used = 0;

	if (s->wire == ATTACH) {
		buffer[0] = FRAME_INPUT;
		buffer[1] = size >> 16;
		buffer[2] = size >> 8;
		buffer[3] = size;
		memcpy(buffer + 4, data, size);
		return sendAll(s->fd, buffer, size + 4);
	}
	if (s->wire != DTACH)
		return sendAll(s->fd, data, size);
	for (size_t at = 0; at < size; at += DTACH_ROOM) {
		size_t n = size - at < DTACH_ROOM ? size - at : DTACH_ROOM;

		memset(packets + used, 0, DTACH_PACKET);
		packets[used + 1] = n;
		memcpy(packets + used + 2, data + at, n);
		used += DTACH_PACKET;
	}
	return sendAll(s->fd, packets, used);
}
