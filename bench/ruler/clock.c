/* Time, processor time, percentiles. */
#include "ruler.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

long
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000L + t.tv_nsec;
}

void
pauseMs(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&t, NULL);
}

/* Nanoseconds that one thread has run. */
static double
threadNs(pid_t pid, const char *thread)
{
	char path[320];
	unsigned long long ran = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", (int)pid, thread);
	file = fopen(path, "r");
	if (file == NULL)
		return 0;
	if (fscanf(file, "%llu", &ran) != 1)
		ran = 0;
	fclose(file);
	return (double)ran;
}

/* Seconds of processor time that all threads of the server's processes have had. */
double
serverCpu(void)
{
	double sum = 0;

	for (int i = 0; i < options.pidCount; i++) {
		char path[64];
		struct dirent *entry;
		DIR *threads;

		snprintf(path, sizeof path, "/proc/%d/task", (int)options.pids[i]);
		threads = opendir(path);
		if (threads == NULL)
			continue;
		while ((entry = readdir(threads)) != NULL)
			if (entry->d_name[0] != '.')
				sum += threadNs(options.pids[i], entry->d_name);
		closedir(threads);
	}
	return sum / 1e9;
}

double
ownCpu(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_utime.tv_sec + u.ru_stime.tv_sec +
	    (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static int
ascending(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

void
percentiles(const char *name, long *samples, long count)
{
	char label[64];

	if (count == 0)
		return;
	qsort(samples, count, sizeof *samples, ascending);
	snprintf(label, sizeof label, "%s_p50_us", name);
	figure(label, samples[count / 2] / 1e3);
	snprintf(label, sizeof label, "%s_p99_us", name);
	figure(label, samples[count * 99 / 100] / 1e3);
	snprintf(label, sizeof label, "%s_samples", name);
	figure(label, count);
}
