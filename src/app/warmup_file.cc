#include "app/warmup_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

#include "base/log.h"

namespace godwit::app {

void load_warmup(const std::string& path, outbound::WarmupLedger& ledger) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return;
  std::ostringstream text;
  text << file.rdbuf();
  const auto read = ledger.read(text.str());
  if (!read) log::error("warmup", {{"file", path}, {"error", read.error().text}, {"next", "what was sent today is counted from 0"}});
}

Result<void> save_warmup(const std::string& path, const outbound::WarmupLedger& ledger) {
  const std::string text = ledger.text();
  const std::string fresh = path + ".new";
  const auto failed = [&](std::string_view what) {
    return fail(Error::temporary(Error::Cause::io, fmt::format("cannot {} {}: {}", what, fresh, std::strerror(errno))));
  };
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return failed("open");
  bool good = true;
  for (std::size_t at = 0; good && at < text.size();) {
    const ssize_t count = ::write(fd, text.data() + at, text.size() - at);
    good = count > 0 || (count < 0 && errno == EINTR);
    if (count > 0) at += static_cast<std::size_t>(count);
  }
  good = good && ::fdatasync(fd) == 0;
  const auto wrong = good ? Result<void>{} : failed("write");
  if (::close(fd) != 0 && good) return failed("close");
  if (!wrong) return wrong;
  if (::rename(fresh.c_str(), path.c_str()) != 0) return failed("rename");
  return {};
}

}  // namespace godwit::app
