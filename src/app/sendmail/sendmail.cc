#include "app/sendmail/sendmail.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "app/sendmail/additions.h"
#include "app/sendmail/exit_code.h"
#include "app/sendmail/options.h"
#include "app/sendmail/queue_listing.h"
#include "app/sendmail/recipients.h"
#include "app/sendmail/settings.h"
#include "app/sendmail/smtp_mode.h"
#include "app/sendmail/submission.h"
#include "app/sendmail/text_input.h"
#include "grammar/message/header.h"

namespace godwit::sendmail {
namespace {

constexpr std::string_view kHelp =
    "sendmail [options] [recipient...] < message\n"
    "  -t            recipients from To, Cc and Bcc; Bcc is removed\n"
    "  -i, -oi       a line with a single dot does not end the message\n"
    "  -f ADDRESS    envelope sender (\"<>\" for none)     -F NAME   full name\n"
    "  -N WHEN       never, or success,failure,delay     -C FILE   configuration\n"
    "  -R full|hdrs  what a report brings back           -V ID     names the mail in reports\n"
    "  -bs           SMTP on standard input and output   -bp       the queue (mailq)\n"
    "  --            ends the options\n"
    "Exit codes are those of sysexits.h; 0 means that the message is kept. See sendmail(1).\n";

struct Failure {
  int code;
  std::string sentence;
};
template <class T>
using Outcome = std::expected<T, Failure>;

std::unexpected<Failure> stop(int code, std::string sentence) { return std::unexpected(Failure{code, std::move(sentence)}); }

Outcome<std::string> read_sender(const std::string& given) {
  if (given.find_first_not_of(" <>") == std::string::npos) return "";
  const auto addresses = parse_recipients(given);
  if (!addresses) return stop(EX_DATAERR, fmt::format("-f {}: {}", given, addresses.error().text));
  if (addresses->size() != 1) return stop(EX_USAGE, fmt::format("-f {}: one sender address is wanted", given));
  return addresses->front();
}

struct Input {
  Spool spool;
  message::HeaderScanner header;
  bool eight_bit = false;
};

Outcome<void> keep(Input& input, std::string& text, std::uint64_t limit) {
  input.header.feed(text);
  if (input.spool.size() + text.size() > limit)
    return stop(EX_DATAERR, fmt::format("the message is too big; the limit is {} bytes", limit));
  if (const auto kept = input.spool.append(text); !kept) return stop(EX_IOERR, kept.error().text);
  text.clear();
  return {};
}

Outcome<void> read_input(Input& input, bool ignore_dots, std::uint64_t limit) {
  TextInput text(ignore_dots);
  std::array<char, 64 * 1024> chunk{};
  std::string out;
  while (!text.ended()) {
    const ssize_t count = ::read(STDIN_FILENO, chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return stop(EX_IOERR, fmt::format("cannot read the message: {}", std::generic_category().message(errno)));
    if (count == 0) break;
    text.feed(std::string_view(chunk.data(), static_cast<std::size_t>(count)), out);
    if (auto kept = keep(input, out, limit); !kept) return kept;
  }
  text.finish(out);
  if (auto kept = keep(input, out, limit); !kept) return kept;
  input.header.finish();
  input.eight_bit = text.eight_bit();
  return {};
}

// A line "From ann Sun Nov 22 ..." of a mailbox file is no field.
std::size_t mbox_line(std::string_view beginning) {
  if (!beginning.starts_with("From ")) return 0;
  const std::size_t end = beginning.find("\r\n");
  return end == std::string_view::npos ? 0 : end + 2;
}

Outcome<void> arrange(const Input& input, const Options& options, const Settings& settings, Submission& out) {
  const auto& header = input.header.summary();
  out.spool = &input.spool;
  out.body = mbox_line(input.spool.beginning());
  if (options.from_header) {
    if (header.size > Spool::kMemory) return stop(EX_DATAERR, "the header is longer than 1 MiB");
    const auto length = static_cast<std::size_t>(header.size);
    auto taken = take_recipients(std::string_view(input.spool.beginning()).substr(out.body, length - std::min(length, out.body)));
    if (!taken) return stop(EX_DATAERR, taken.error().text);
    for (auto& recipient : taken->recipients) out.envelope.recipients.push_back(std::move(recipient));
    if (out.envelope.recipients.empty()) return stop(EX_DATAERR, "there is no recipient in To, Cc or Bcc");
    out.head = std::move(taken->text);
    out.body = length;
  }
  out.head.insert(0, missing_head(header, input.spool.size(), settings.hostname));
  return {};
}

Outcome<Submission> prepare(const Options& options, const Settings& settings, Input& input) {
  Submission out;
  for (const std::string& word : options.recipients) {
    auto some = parse_recipients(word);
    if (!some) return stop(EX_DATAERR, some.error().text);
    for (auto& recipient : *some) out.envelope.recipients.push_back(std::move(recipient));
  }
  if (out.envelope.recipients.empty() && !options.from_header)
    return stop(EX_USAGE, "no recipient is given; name one, or use -t to take them from the header (sendmail --help)");
  if (options.sender) {
    auto sender = read_sender(*options.sender);
    if (!sender) return std::unexpected(std::move(sender).error());
    out.envelope.from = *std::move(sender);
  }
  if (auto read = read_input(input, options.ignore_dots, settings.max_message_size); !read) return std::unexpected(std::move(read).error());
  if (auto arranged = arrange(input, options, settings, out); !arranged) return std::unexpected(std::move(arranged).error());
  Caller caller = find_caller();
  out.envelope.login = std::move(caller.login);
  if (input.header.summary().from == 0) out.envelope.author = options.full_name.empty() ? caller.full_name : options.full_name;
  out.envelope.notify = options.notify;
  out.envelope.ret = options.ret;
  out.envelope.envid = options.envid;
  out.envelope.eight_bit = input.eight_bit;
  out.envelope.size = out.size();
  return out;
}

int explain(const smtp::Reply& reply) {
  if (reply.positive()) return EX_OK;
  std::string_view rest = reply.text;
  do {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    fmt::print(stderr, "sendmail: {}{}\n", line, rest.empty() ? fmt::format(" ({} {})", reply.code, reply.enhanced.text()) : "");
  } while (!rest.empty());
  return exit_code_of(reply);
}

int failed(const Failure& failure) {
  fmt::print(stderr, "sendmail: {}\n", failure.sentence);
  return failure.code;
}

}  // namespace

int run(const std::vector<std::string>& words) {
  gid_t group = ::getegid();
  const gid_t own = ::getgid();
  if (::setegid(own) != 0) return failed({EX_OSERR, "cannot drop the group of the maildrop"});
  const auto options = parse_arguments(words);
  if (!options) return failed({EX_USAGE, options.error()});
  if (options->help) {
    fmt::print("{}", kHelp);
    return EX_OK;
  }
  using Mode = Options::Mode;
  if (options->mode == Mode::nothing) return EX_OK;
  if (options->mode == Mode::daemon) return failed({EX_UNAVAILABLE, "the server is another program: godwit serve"});
  if (options->config) {
    // A file of the caller's own choice names the places to write to: with his own rights alone.
    if (::setresgid(own, own, own) != 0) return failed({EX_OSERR, "cannot drop the group of the maildrop"});
    group = own;
  }
  const std::string config = options->config.value_or(kDefaultConfig);
  const auto settings = load_settings(config);
  if (!settings) return failed({EX_CONFIG, settings.error().text});
  if (options->mode == Mode::queue_listing) return show_queue(*settings, config);
  if (options->mode == Mode::smtp) return run_smtp(*options, *settings, group);
  Input input;
  const auto submission = prepare(*options, *settings, input);
  if (!submission) return failed(submission.error());
  return explain(hand_over(*submission, *settings, group));
}

}  // namespace godwit::sendmail
