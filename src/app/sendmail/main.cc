// sendmail: the classic interface, for applications and cron.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "app/sendmail/sendmail.h"

int main(int argc, char** argv) {
  // Whoever starts a setgid program may leave it without its first three descriptors: a file of ours must not get one of them.
  for (int fd = ::open("/dev/null", O_RDWR); fd >= 0 && fd <= 2; fd = ::open("/dev/null", O_RDWR)) {
  }
  umask(077);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  return godwit::sendmail::run(std::vector<std::string>(argv, argv + argc));
}
