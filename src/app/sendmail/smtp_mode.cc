#include "app/sendmail/smtp_mode.h"

#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "app/sendmail/additions.h"
#include "app/sendmail/smtp_dialogue.h"

namespace godwit::sendmail {
namespace {

bool say(std::string& out) {
  std::string_view rest = out;
  while (!rest.empty()) {
    const ssize_t count = ::write(STDOUT_FILENO, rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  out.clear();
  return true;
}

SmtpDialogue::Environment make_environment(const Options& options, const Settings& settings, unsigned group) {
  SmtpDialogue::Environment environment;
  environment.hostname = settings.hostname;
  environment.max_message_size = settings.max_message_size;
  environment.max_recipients = settings.max_recipients;
  Caller caller = find_caller();
  environment.envelope.login = std::move(caller.login);
  environment.envelope.author = options.full_name.empty() ? std::move(caller.full_name) : options.full_name;
  environment.envelope.notify = options.notify;
  environment.envelope.ret = options.ret;
  environment.envelope.envid = options.envid;
  environment.missing_head = [&settings](const message::HeaderSummary& header, std::uint64_t size) {
    return missing_head(header, size, settings.hostname);
  };
  environment.hand_over = [&settings, group](const Submission& submission) { return hand_over(submission, settings, group); };
  return environment;
}

int failed(std::string_view what) {
  fmt::print(stderr, "sendmail: {}: {}\n", what, std::generic_category().message(errno));
  return EX_IOERR;
}

}  // namespace

int run_smtp(const Options& options, const Settings& settings, unsigned group) {
  SmtpDialogue dialogue(make_environment(options, settings, group));
  std::array<char, 64 * 1024> chunk{};
  std::string out = dialogue.greeting();
  while (say(out)) {
    if (dialogue.ended()) return EX_OK;
    const ssize_t count = ::read(STDIN_FILENO, chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("cannot read the commands");
    if (count == 0) {
      if (!dialogue.in_message()) return EX_OK;
      fmt::print(stderr, "sendmail: the input ended within a message, of which nothing is sent\n");
      return EX_PROTOCOL;
    }
    dialogue.feed(std::string_view(chunk.data(), static_cast<std::size_t>(count)), out);
  }
  return failed("cannot write the replies");
}

}  // namespace godwit::sendmail
