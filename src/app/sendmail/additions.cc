#include "app/sendmail/additions.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "grammar/smtp/path.h"

namespace godwit::sendmail {

Caller find_caller() {
  Caller caller;
  if (const passwd* const entry = ::getpwuid(::getuid())) {
    caller.login = entry->pw_name;
    const std::string comment = entry->pw_gecos ? entry->pw_gecos : "";
    caller.full_name = comment.substr(0, comment.find(','));
  }
  if (!smtp::make_local_part(caller.login) || caller.login.empty()) caller.login = fmt::format("uid-{}", ::getuid());
  if (!smtp::is_clean_utf8(caller.full_name)) caller.full_name.clear();
  return caller;
}

std::string missing_head(const message::HeaderSummary& header, std::uint64_t size, const std::string& hostname) {
  std::string out;
  if (header.date == 0) {
    const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    out += fmt::format("Date: {}\r\n", format_rfc5322(now));
  }
  if (header.message_id == 0) out += fmt::format("Message-ID: <{}@{}>\r\n", make_system_random()->text(26), hostname);
  const bool no_header = header.fields == 0 && (header.garbage_lines > 0 || size == 0);
  if (no_header) out += "\r\n";
  return out;
}

}  // namespace godwit::sendmail
