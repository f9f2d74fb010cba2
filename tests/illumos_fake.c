/*
 * An illumos for the tests, as far as a zone's console needs one: libdevinfo, libdevice,
 * libzonecfg, the peer's credentials of libc, and the files under /dev/zcons, which are
 * pty pairs here.  It is preloaded, and also found under the libraries' own names.
 *
 * What is there lies in the directory that FAKE_ILLUMOS names:
 *
 *   nodes/N          a console node, by its instance number; the zone's name is in it
 *   state, zoneid    of every zone, as numbers; no "state" file: there is no such zone
 *   links            is there once the links under /dev have been made
 *   oldnames         is there if the manager has its name of before 2022
 *   peerzone         the zone that peers are in, 0 being ours
 *   fail             lines "WHAT ERRNO TIMES": calls that are to fail, and how often in
 *                    one process
 *   calls            every call, in order
 *   dev/ZONE         a link to the zone's end of the pty pair
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

#define HOLD 0x5A6F6E00UL
#define RELEASE 0x5A6F6E01UL
#define SRDOPT 0x5306UL
#define DEVICES "/dev/zcons/"
#define NEXUS "/pseudo/zconsnex@1"
#define NODES_MAX 16

typedef struct handle {
	char name[32];
	int number; /* of the node, -1 for the nexus */
	char zone[65];
} handle_t;

static int master = -1, kept = -1;
static int manager = -1, subsidiary = -1;
static char terminal[64];

/* Small things. */

#define REAL(type, name, ...) \
	static type (*real)(__VA_ARGS__); \
	if (real == NULL) \
		real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static const char *
place(char *path, const char *format, ...)
{
	va_list ap;
	const char *base = getenv("FAKE_ILLUMOS");
	int n = snprintf(path, PATH_MAX, "%s/", base == NULL ? "/nonexistent" : base);

	va_start(ap, format);
	vsnprintf(path + n, PATH_MAX - n, format, ap);
	va_end(ap);
	return path;
}

static void
told(const char *format, ...)
{
	char path[PATH_MAX], line[1024];
	va_list ap;
	int number = errno, n, fd;

	va_start(ap, format);
	n = vsnprintf(line, sizeof (line) - 1, format, ap);
	va_end(ap);
	line[n++] = '\n';
	fd = open(place(path, "calls"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd == -1 || write(fd, line, n) != n)
		abort();
	close(fd);
	errno = number;
}

/* The words of a small file, or none. */
static int
words(const char *name, char *text, size_t size)
{
	char path[PATH_MAX];
	int fd = open(place(path, "%s", name), O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd == -1)
		return (0);
	n = read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return (1);
}

static int
number(const char *name, int otherwise)
{
	char text[32];

	return (words(name, text, sizeof (text)) ? atoi(text) : otherwise);
}

static int
exists(const char *name)
{
	char path[PATH_MAX];

	return (access(place(path, "%s", name), F_OK) == 0);
}

/* Is this call to fail?  Then errno says how. */
static int
fails(const char *what)
{
	static struct { char what[64]; int times; } used[16];
	char path[PATH_MAX], wanted[64];
	int error, times, i, found = 0;
	FILE *file = fopen(place(path, "fail"), "re");

	if (file == NULL)
		return (0);
	while (!found && fscanf(file, "%63s %d %d", wanted, &error, &times) == 3)
		found = strcmp(wanted, what) == 0;
	fclose(file);
	if (!found)
		return (0);
	for (i = 0; i < 15 && used[i].what[0] && strcmp(used[i].what, what); i++)
		;
	strcpy(used[i].what, what);
	if (used[i].times >= times)
		return (0);
	used[i].times++;
	errno = error;
	return (1);
}

static handle_t *
handle(const char *format, ...)
{
	handle_t *made = calloc(1, sizeof (*made));
	va_list ap;

	va_start(ap, format);
	vsnprintf(made->name, sizeof (made->name), format, ap);
	va_end(ap);
	made->number = -1;
	return (made);
}

/* libdevinfo */

void *
di_init(const char *path, unsigned flags)
{
	int bad = fails("di_init");

	told("di_init(%s, %#x) = %s", path, flags, bad ? "NULL" : "root");
	return (bad ? NULL : handle("root"));
}

void
di_fini(void *root)
{
	told("di_fini(%s)", ((handle_t *)root)->name);
	free(root);
}

int
di_walk_node(void *root, unsigned flag, void *arg, int (*visit)(void *, void *))
{
	char name[32];
	int i, stop;
	handle_t *node;

	told("di_walk_node(%s, %u)", ((handle_t *)root)->name, flag);
	stop = visit(root, arg) == -3;
	for (i = 0; i < NODES_MAX && !stop; i++) {
		node = handle("node%d", i);
		node->number = i;
		snprintf(name, sizeof (name), "nodes/%d", i);
		if (words(name, node->zone, sizeof (node->zone)))
			stop = visit(node, arg) == -3;
		free(node);
	}
	return (0);
}

int
di_prop_lookup_strings(unsigned long dev, void *node, const char *name, char **data)
{
	handle_t *asked = node;
	int found = asked->number != -1;

	told("di_prop_lookup_strings(%ld, %s, %s) = %s", (long)dev, asked->name, name,
	    found ? asked->zone : "none");
	if (!found)
		return (-1);
	*data = asked->zone;
	return (1);
}

char *
di_devfs_path(void *node)
{
	char *path;

	told("di_devfs_path(%s)", ((handle_t *)node)->name);
	if (asprintf(&path, NEXUS "/zcons@%d", ((handle_t *)node)->number) == -1)
		abort();
	return (path);
}

void
di_devfs_path_free(char *path)
{
	told("di_devfs_path_free(%s)", path);
	free(path);
}

void *
di_devlink_init(const char *name, unsigned flags)
{
	char path[PATH_MAX];
	int bad = fails("di_devlink_init");

	told("di_devlink_init(%s, %u) = %s", name, flags, bad ? "NULL" : "links");
	if (bad)
		return (NULL);
	close(open(place(path, "links"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	return (handle("links"));
}

int
di_devlink_fini(void **links)
{
	told("di_devlink_fini(%s)", ((handle_t *)*links)->name);
	free(*links);
	*links = NULL;
	return (0);
}

/* libdevice */

void *
devctl_bus_acquire(char *path, unsigned flags)
{
	int bad = fails("devctl_bus_acquire");

	told("devctl_bus_acquire(%s, %u) = %s", path, flags, bad ? "NULL" : "bus");
	return (bad ? NULL : handle("bus"));
}

void *
devctl_device_acquire(char *path, unsigned flags)
{
	int bad = fails("devctl_device_acquire");
	handle_t *made;

	told("devctl_device_acquire(%s, %u) = %s", path, flags, bad ? "NULL" : "device");
	if (bad)
		return (NULL);
	made = handle("device");
	made->number = atoi(strrchr(path, '@') + 1);
	return (made);
}

void
devctl_release(void *held)
{
	told("devctl_release(%s)", ((handle_t *)held)->name);
	free(held);
}

int
devctl_device_remove(void *device)
{
	char path[PATH_MAX];
	int bad = fails("devctl_device_remove");

	told("devctl_device_remove(%s) = %d", ((handle_t *)device)->name, -bad);
	if (!bad)
		unlink(place(path, "nodes/%d", ((handle_t *)device)->number));
	return (-bad);
}

void *
devctl_ddef_alloc(char *name, int flags)
{
	int bad = fails("devctl_ddef_alloc");

	told("devctl_ddef_alloc(%s, %d) = %s", name, flags, bad ? "NULL" : "ddef");
	return (bad ? NULL : handle("ddef"));
}

void
devctl_ddef_free(void *ddef)
{
	told("devctl_ddef_free(%s)", ((handle_t *)ddef)->name);
	free(ddef);
}

int
devctl_ddef_string(void *ddef, char *name, char *value)
{
	int bad = fails(name);

	told("devctl_ddef_string(%s, %s, %s) = %d", ((handle_t *)ddef)->name, name, value,
	    -bad);
	snprintf(((handle_t *)ddef)->zone, 65, "%s", value);
	return (-bad);
}

int
devctl_ddef_int(void *ddef, char *name, int32_t value)
{
	int bad = fails(name);

	told("devctl_ddef_int(%s, %s, %d) = %d", ((handle_t *)ddef)->name, name, value,
	    -bad);
	return (-bad);
}

int
devctl_bus_dev_create(void *bus, void *ddef, unsigned flags, void **made)
{
	char path[PATH_MAX];
	int bad = fails("devctl_bus_dev_create"), fd = -1, i;
	const char *zone = ((handle_t *)ddef)->zone;

	told("devctl_bus_dev_create(%s, %s, %u) = %d", ((handle_t *)bus)->name,
	    ((handle_t *)ddef)->name, flags, -bad);
	if (bad)
		return (-1);
	for (i = 0; i < NODES_MAX && fd == -1; i++)
		fd = open(place(path, "nodes/%d", i),
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1 || write(fd, zone, strlen(zone)) == -1)
		abort();
	close(fd);
	*made = handle("made");
	return (0);
}

/* libzonecfg, and what libc knows of zones and peers */

int
zone_get_state(char *zone, unsigned *state)
{
	if (fails("zone_get_state"))
		return (2);
	if (!exists("state"))
		return (16);
	*state = number("state", 0);
	return (0);
}

int
getzoneidbyname(const char *zone)
{
	return (number("zoneid", 7));
}

int
getzoneid(void)
{
	return (0);
}

int
getpeerucred(int fd, struct ucred **who)
{
	socklen_t size = sizeof (struct ucred);

	if (fails("getpeerucred"))
		return (-1);
	*who = malloc(size);
	return (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, *who, &size));
}

void
ucred_free(struct ucred *who)
{
	free(who);
}

pid_t
ucred_getpid(const struct ucred *who)
{
	return (who->pid);
}

uid_t
ucred_geteuid(const struct ucred *who)
{
	return (who->uid);
}

gid_t
ucred_getegid(const struct ucred *who)
{
	return (who->gid);
}

int
ucred_getgroups(const struct ucred *who, const gid_t **groups)
{
	static gid_t all[64];

	*groups = all;
	return (getgroups(64, all));
}

int
ucred_getzoneid(const struct ucred *who)
{
	return (number("peerzone", 0));
}

/* The files under /dev/zcons. */

static int
hasNode(const char *zone)
{
	char name[32], found[65];
	int i;

	for (i = 0; i < NODES_MAX; i++) {
		snprintf(name, sizeof (name), "nodes/%d", i);
		if (words(name, found, sizeof (found)) && strcmp(found, zone) == 0)
			return (1);
	}
	return (0);
}

/* The pty pair of this process' zone; the kernel, which it stands for, keeps it open. */
static void
needPair(const char *zone)
{
	char path[PATH_MAX];
	struct termios raw;

	if (master != -1)
		return;
	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master == -1 || grantpt(master) == -1 || unlockpt(master) == -1 ||
	    ptsname_r(master, terminal, sizeof (terminal)) != 0)
		abort();
	kept = open(terminal, O_RDWR | O_NOCTTY | O_CLOEXEC);
	tcgetattr(kept, &raw);
	cfmakeraw(&raw);
	tcsetattr(kept, TCSANOW, &raw);
	unlink(place(path, "dev/%s", zone));
	if (symlink(terminal, path) == -1)
		abort();
}

static int
openManager(int flags)
{
	if (fails("open:manager"))
		return (-1);
	if (manager != -1) {
		errno = EBUSY;
		return (-1);
	}
	manager = fcntl(master, F_DUPFD_CLOEXEC, 3);
	fcntl(manager, F_SETFL, flags & O_NONBLOCK);
	return (manager);
}

static int
openDevice(const char *path, int flags, int (*open_)(const char *, int, ...))
{
	char zone[65] = "", name[32] = "";
	const char *managerName = exists("oldnames") ? "masterconsole" : "globalconsole";
	int got = -1;

	sscanf(path + strlen(DEVICES), "%64[^/]/%31s", zone, name);
	if (!exists("links") ||
	    (strcmp(name, managerName) != 0 && strcmp(name, "zoneconsole") != 0)) {
		errno = ENOENT;
	} else if (!hasNode(zone)) {
		errno = ENXIO;
	} else {
		needPair(zone);
		if (strcmp(name, managerName) == 0)
			got = openManager(flags);
		else if (!fails("open:subsidiary"))
			got = subsidiary = open_(terminal, flags);
	}
	told("open(%s, O_RDWR%s%s) = %s", path, flags & O_NONBLOCK ? "|O_NONBLOCK" : "",
	    flags & O_NOCTTY ? "|O_NOCTTY" : "", got == -1 ? strerrorname_np(errno) : "ok");
	return (got);
}

static int
openAny(const char *which, const char *path, int flags, mode_t mode)
{
	static int (*real)(const char *, int, ...);

	if (real == NULL)
		real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64");
	if (strncmp(path, DEVICES, strlen(DEVICES)) == 0)
		return (openDevice(path, flags, real));
	return (real(path, flags, mode));
}

int
open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = va_arg(ap, mode_t);
	va_end(ap);
	return (openAny("open", path, flags, mode));
}

int
open64(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = va_arg(ap, mode_t);
	va_end(ap);
	return (openAny("open64", path, flags, mode));
}

static const char *
nameOf(int fd)
{
	return (fd == -1 ? NULL : fd == manager ? "manager" :
	    fd == subsidiary ? "subsidiary" : NULL);
}

int
close(int fd)
{
	REAL(int, "close", int);
	if (nameOf(fd) != NULL) {
		int isManager = fd == manager;

		if (isManager)
			manager = -1;
		else
			subsidiary = -1;
		told("close(%s)", isManager ? "manager" : "subsidiary");
	}
	return (real(fd));
}

int
ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *argument;
	const char *what, *first, *second;

	REAL(int, "ioctl", int, unsigned long, ...);
	va_start(ap, request);
	argument = va_arg(ap, void *);
	va_end(ap);
	what = request == HOLD ? "HOLD" : request == RELEASE ? "RELEASE" :
	    request == SRDOPT ? "I_SRDOPT" : NULL;
	if (what == NULL)
		return (real(fd, request, argument));
	int bad = fails(what);
	first = nameOf(fd);
	second = request == SRDOPT ? NULL : nameOf((int)(intptr_t)argument);
	if (second != NULL)
		told("ioctl(%s, %s, %s) = %d", first, what, second, -bad);
	else
		told("ioctl(%s, %s, %ld) = %d", first, what, (long)(intptr_t)argument, -bad);
	return (-bad);
}

/* A message of no bytes, where the error is 0. */
ssize_t
readv(int fd, const struct iovec *pieces, int count)
{
	REAL(ssize_t, "readv", int, const struct iovec *, int);
	if (fd == manager && fd != -1 && fails("readv"))
		return (errno == 0 ? 0 : -1);
	return (real(fd, pieces, count));
}
