#define _GNU_SOURCE
#include "server/config_check.h"
#include "base/say.h"
#include "host/listener_urls.h"
#include "host/own_command.h"
#include "site/docroot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* With a command to copy: the root that was probably meant. */
static void explain_root(const char *path, int error) {
    char folder[300] = ".", command[512];
    const char *slash = strrchr(path, '/');
    if (error == ENOTDIR && slash && slash > path && (size_t)(slash - path) < sizeof folder)
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    own_command(command, sizeof command, "-r", folder);
    if (error == ENOTDIR)
        say("--root %.256s is a file: serve its folder: %s", path, command);
    else if (error == EACCES)
        say("--root %.256s: %s: see which folder keeps you out: namei -l '%.256s'", path, strerror(error), path);
    else if (error == ENOENT)
        say("--root %.256s: there is no such folder: make it, or serve the one you are in: %s", path, command);
    else
        say("--root %.256s: %s", path, strerror(error));
}

bool config_check_root(const struct config *config) {
    const struct site_config *site = &config->settings.site;
    struct docroot root;
    int result = docroot_open(&root, site->root, site->symlinks);
    if (result == 0)
        docroot_close(&root);
    else
        explain_root(site->root, -result);
    return result == 0;
}

void config_check_index(const struct config *config) {
    const struct site_config *site = &config->settings.site;
    struct docroot root;
    struct stat st;
    char command[512];
    bool other = site->list || site->spa || site->vhosts || site->redirect_count > 0;
    int i = 0, result = -ENOENT;
    if (docroot_open(&root, site->root, site->symlinks) != 0)
        return;
    while (i < site->index_count && (result = docroot_stat(&root, site->index[i], false, &st)) == -ENOENT)
        i++;
    docroot_close(&root);
    own_command(command, sizeof command, "--list", NULL);
    if (result == -EACCES) /* of the user that it has become: root could open the folder */
        say_as(SAY_WARNING, "%.256s/%.256s: %s, so / is refused: see which folder keeps you out: namei -l '%.256s'",
               site->root, site->index[i], strerror(EACCES), site->root);
    else if (result != 0 && !other)
        say_as(SAY_NOTICE, "there is no %.256s in %.256s, so / is refused; to list what there is: %s", site->index[0],
               site->root, command);
}

int config_check_run(const struct config *config, int argc, char **argv) {
    const struct settings *settings = &config->settings;
    if (!config_check_root(config))
        return 1;
    printf("Options that hold:\n");
    config_print(argc, argv);
    printf("Would serve %s with %s, %d worker%s, at:\n", settings->site.root, settings->backend->name,
           settings->workers, settings->workers == 1 ? "" : "s");
    fflush(stdout);
    listener_urls_foresee(config->listen, config->listen_count, config->port, STDOUT_FILENO);
    config_check_index(config);
    return ferror(stdout) ? 1 : 0;
}
