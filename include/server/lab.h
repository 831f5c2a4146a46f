/* `httpd lab`: what a model does to an honest client while others misbehave. A server for each model, on this machine
   alone, a crowd of one kind beside one client that asks and waits for its answer; a table at the end. */
#ifndef LAB_H
#define LAB_H

/* argv[0] is "lab". Returns the exit status. */
int lab_run(int argc, char **argv);

#endif
