/*
 * The ruler: it owns both ends of a console, the zone's and the clients', so that what
 * is between them is the only thing that differs from one server to the next.
 *
 *   main.c     options, what is printed
 *   pattern.c  what zones print, and whether it arrived
 *   clock.c    time, processor time, percentiles
 *   wire.c     how a session begins, and what comes over it, for each kind of server
 *   zone.c     the zone's side: processes at the subsidiary
 *   flow.c     output to one or many, to nobody, and paste
 *   keys.c     keystrokes: echo, under a flood, beside others that flood
 *   arrive.c   attaching, being turned away, everybody at once
 *   trouble.c  what stopped and silent peers do to the others
 *   helpers.c  what the harness and the peers need: hold, relay, spin
 */
#ifndef RULER_H
#define RULER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A prime, so that nothing lost in blocks of any size goes unnoticed. */
#define PERIOD 1048573
#define BUFFER (256 * 1024)
/* What a zone writes at once. */
#define CHUNK (16 * 1024)
/* Silence after which nothing more is expected. */
#define SILENCE_NS 1500000000L

enum wire { IDENT, ATTACH, CONSERVER, DTACH, RAW };
enum role { OPERATOR, WATCHER };
enum answer { SEATED, BUSY, NONE };

struct zone {
	char *address;	/* a path; HOST:PORT/NAME for conserver */
	char *tty;	/* the subsidiary */
};

/* One attached session. */
struct session {
	int fd;
	enum wire wire;
	uint64_t got, missed;	/* bytes of output */
	uint64_t place;		/* in what the zone prints, of the next byte */
	uint64_t offset;	/* ATTACH: of the next byte */
	uint64_t origin;	/* ATTACH: the offset of the first byte that counts */
	uint64_t run;		/* ATTACH: bytes since the last gap */
	uint64_t verifyFrom;	/* ATTACH: the first offset that is verified */
	long last;		/* when output came last */
	long told;		/* when the answer came, where that is not the end */
	bool corrupt, verify;
	unsigned char key;	/* the last byte that came */
	unsigned char head[12];
	size_t headHas, left;
	bool inPayload;
};

/* What a process at the zone's side tells. */
struct shared {
	uint64_t sent, got, drained;
	long last;
	bool done, corrupt;
};

struct options {
	enum wire wire, watchers;
	struct zone *zones;
	int zoneCount;
	pid_t *pids;
	int pidCount;
	double seconds;
	int count;
	const char *kind;
	bool history;
};

extern struct options options;
extern struct shared *shared;
extern char *pattern;	/* two periods */

/* failing.c */
/* With what the system says, and without. */
void fail(const char *what) __attribute__((noreturn));
void wrong(const char *what) __attribute__((noreturn));

/* main.c */
void figure(const char *name, double value);

/* pattern.c */
void makePattern(void);
bool matches(const char *data, size_t size, uint64_t place);

/* clock.c */
long now(void);
void pauseMs(long ms);
double serverCpu(void);
double ownCpu(void);
void percentiles(const char *name, long *samples, long count);

/* wire.c */
int dial(const struct zone *zone, bool wait);
enum answer greet(struct session *s, const struct zone *zone, enum role role,
    int timeoutMs);
bool attach(struct session *s, const struct zone *zone, enum wire wire,
    enum role role);
void settle(struct session *sessions, int count);
void take(struct session *s, const char *data, size_t size);
bool type(struct session *s, const char *data, size_t size);
ssize_t readLine(int fd, char *line, size_t size, int timeoutMs);

/* zone.c */
typedef void (*zoneSide)(int fd);
pid_t startZone(const struct zone *zone, zoneSide side);
pid_t startDrain(struct session *sessions, int count);
void openGate(void);
void end(pid_t pid);
void flush(const struct zone *zone);
void zoneWrites(int fd);
void zoneFloods(int fd);
void zoneReads(int fd);
void zoneEchoes(int fd);
void zoneStamps(int fd);
extern int stampPipe[2];

/* The measures; each prints its figures. */
void measureOutput(void);
void measureUnwatched(void);
void measurePaste(void);
void measureEcho(void);
void measureFloodKey(void);
void measureNeighbour(void);
void measureAttach(void);
void measureBusy(void);
void measureEverybody(void);
void measureTrouble(void);

/* helpers.c */
int hold(const char *file);
int relay(const char *address, const char *file);
int spin(const char *processor);

#endif
