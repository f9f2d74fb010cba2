/*
 * What went wrong, in one line.  A child's end must not print what the parent has yet
 * to print.
 */
#include "ruler.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
fail(const char *what)
{
	fprintf(stderr, "ruler: %s: %s\n", what, strerror(errno));
	_Exit(1);
}

void
wrong(const char *what)
{
	fprintf(stderr, "ruler: %s\n", what);
	_Exit(1);
}
