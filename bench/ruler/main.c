/*
 * ruler MEASURE NAME=VALUE...
 *
 *   wire=ident|attach|conserver|dtach|raw   how an operator speaks to the server
 *   watchers=...                            how a watcher does; as an operator if absent
 *   zones=FILE                              a line for each: address, space, subsidiary
 *   pids=1,2,3 or pids=@FILE                the server's processes
 *   seconds=0.7                             how long the measure takes, roughly
 *   count=N                                 of watchers, of those that flood, of the silent
 *   kind=operator|watcher|silent            who makes trouble
 *   history=1                               look at what has been kept
 *
 * prints one JSON object.  A failure is one line on the standard error, and status 1.
 */
#define _GNU_SOURCE
#include "ruler.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

struct options options = { .wire = IDENT, .watchers = IDENT, .seconds = 0.7 };
struct shared *shared;

static int figures;

static const struct {
	const char *name;
	void (*run)(void);
} measures[] = {
	{ "output", measureOutput },
	{ "unwatched", measureUnwatched },
	{ "paste", measurePaste },
	{ "echo", measureEcho },
	{ "flood-key", measureFloodKey },
	{ "neighbour", measureNeighbour },
	{ "attach", measureAttach },
	{ "busy", measureBusy },
	{ "everybody", measureEverybody },
	{ "trouble", measureTrouble },
};

void
figure(const char *name, double value)
{
	printf("%s\"%s\": %.6g", figures++ == 0 ? "{" : ", ", name, value);
}

static enum wire
wireNamed(const char *name)
{
	static const char *const names[] = { "ident", "attach", "conserver", "dtach", "raw" };

	for (int i = 0; i < 5; i++)
		if (strcmp(name, names[i]) == 0)
			return (enum wire)i;
	wrong("no such wire");
}

static void
readZones(const char *path)
{
	char address[4096], tty[4096];
	FILE *file = fopen(path, "r");

	if (file == NULL)
		fail(path);
	while (fscanf(file, "%4095s %4095s", address, tty) == 2) {
		options.zones = realloc(options.zones,
		    (options.zoneCount + 1) * sizeof *options.zones);
		options.zones[options.zoneCount].address = strdup(address);
		options.zones[options.zoneCount++].tty = strdup(tty);
	}
	fclose(file);
}

static void
readPids(char *text)
{
	static char all[1 << 20];

	if (*text == '@') {
		FILE *file = fopen(text + 1, "r");

		if (file == NULL)
			fail(text);
		all[fread(all, 1, sizeof all - 1, file)] = '\0';
		fclose(file);
		text = all;
	}
	for (char *pid = strtok(text, ",\n"); pid != NULL; pid = strtok(NULL, ",\n")) {
		options.pids = realloc(options.pids,
		    (options.pidCount + 1) * sizeof *options.pids);
		options.pids[options.pidCount++] = atoi(pid);
	}
}

static void
option(const char *name, char *value)
{
	if (strcmp(name, "wire") == 0)
		options.wire = options.watchers = wireNamed(value);
	else if (strcmp(name, "watchers") == 0)
		options.watchers = wireNamed(value);
	else if (strcmp(name, "zones") == 0)
		readZones(value);
	else if (strcmp(name, "pids") == 0)
		readPids(value);
	else if (strcmp(name, "seconds") == 0)
		options.seconds = atof(value);
	else if (strcmp(name, "count") == 0)
		options.count = atoi(value);
	else if (strcmp(name, "kind") == 0)
		options.kind = value;
	else if (strcmp(name, "history") == 0)
		options.history = atoi(value) != 0;
	else
		wrong("no such option");
}

static int
measure(int argc, char **argv)
{
	for (int i = 2; i < argc; i++) {
		char *value = strchr(argv[i], '=');

		if (value == NULL)
			wrong("NAME=VALUE is needed");
		*value++ = '\0';
		option(argv[i], value);
	}
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	makePattern();
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		fail("mmap");
	for (size_t i = 0; i < sizeof measures / sizeof *measures; i++) {
		if (strcmp(argv[1], measures[i].name) != 0)
			continue;
		measures[i].run();
		printf("}\n");
		return 0;
	}
	wrong("no such measure");
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "hold") == 0)
		return hold(argv[2]);
	if (argc == 4 && strcmp(argv[1], "relay") == 0)
		return relay(argv[2], argv[3]);
	if (argc == 3 && strcmp(argv[1], "spin") == 0)
		return spin(argv[2]);
	if (argc < 3) {
		fprintf(stderr, "usage: ruler MEASURE NAME=VALUE...\n");
		return 2;
	}
	return measure(argc, argv);
}
