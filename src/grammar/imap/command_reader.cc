#include "grammar/imap/command_reader.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "grammar/imap/command.h"
#include "grammar/imap/command_names.h"
#include "grammar/imap/limits.h"
#include "grammar/imap/parsers.h"

namespace godwit::imap {
namespace {

using Step = CommandReader::Step;

constexpr std::string_view kTooBig = "TOOBIG";  // RFC 4469, RFC 7888 5
constexpr std::string_view kLimit = "LIMIT";    // RFC 5530 3
constexpr std::uint64_t kGreatest = std::numeric_limits<std::int64_t>::max();

Error too_large(std::string text) { return Error::permanent(Error::Cause::limit, std::move(text)); }

Step ends(Step::Kind kind, Error error, std::string_view code) {
  Step step;
  step.kind = kind;
  step.error = std::move(error);
  step.code = code;
  return step;
}

}  // namespace

std::optional<LiteralHead> literal_at_end(std::string_view line) {
  if (!line.ends_with('}')) return std::nullopt;
  LiteralHead head;
  std::size_t end = line.size() - 1;
  if (end > 0 && line[end - 1] == '+') {
    head.synchronizing = false;
    --end;
  }
  std::size_t begin = end;
  while (begin > 0 && line[begin - 1] >= '0' && line[begin - 1] <= '9') --begin;
  if (begin == end || begin == 0 || line[begin - 1] != '{') return std::nullopt;
  for (std::size_t at = begin; at < end; ++at) {
    const auto digit = static_cast<std::uint64_t>(line[at] - '0');
    head.size = head.size > (kGreatest - digit) / 10 ? kGreatest : 10 * head.size + digit;
  }
  head.begin = begin - 1;
  head.binary = head.begin > 0 && line[head.begin - 1] == '~';
  if (head.binary) --head.begin;
  return head;
}

std::string_view CommandReader::tag() const { return tag_of(text_); }

void CommandReader::reset() {
  const Limits limits = limits_;
  const Dialect dialect = dialect_;
  *this = CommandReader(limits);
  dialect_ = dialect;
}

Step CommandReader::add_line(std::string_view line) {
  const auto head = literal_at_end(line);
  if (refused_) return head ? skip_or_end(*head) : ends(Step::Kind::refused, std::move(error_), code_);
  const std::size_t line_at = text_.size();
  if (line.size() > limits_.command - std::min<std::uint64_t>(text_.size(), limits_.command)) {
    // The tag is still wanted for the answer.
    if (line_at == 0) text_ = line.substr(0, kMaxTag + 1);
    if (head) {
      last_ = *head;
      return refuse(too_large("the command is too long"), kLimit);
    }
    return ends(Step::Kind::refused, too_large("the command is too long"), kLimit);
  }
  text_ += line;
  if (!head) return Step{};
  text_ += "\r\n";
  return take_literal(*head, line_at + head->begin);
}

void CommandReader::add_literal(std::string_view bytes) { text_ += bytes; }

Step CommandReader::take_literal(const LiteralHead& head, std::size_t literal_at) {
  last_ = head;
  auto message = begins_message(literal_at);
  if (!message) return refuse(std::move(message.error()));
  Step step;
  step.kind = *message ? Step::Kind::message : Step::Kind::literal;
  step.size = head.size;
  step.ask = head.synchronizing;
  step.binary = head.binary;
  const std::string_view code = *message ? kTooBig : kLimit;
  if (!*message && head.binary) return refuse(Error::syntax("a literal8 is for messages alone", literal_at));
  if (*message && limits_.message == 0) return refuse(too_large("there is nothing to append to"), code);
  if (head.size > (*message ? limits_.message : limits_.literal)) return refuse(too_large("the literal is too large"), code);
  if (!*message && head.size > limits_.command - std::min<std::uint64_t>(text_.size(), limits_.command)) {
    return refuse(too_large("the command is too long"), code);
  }
  // RFC 7888 5: LITERAL- allows 4096 bytes
  if (!head.synchronizing && head.size > limits_.unasked) {
    return refuse(too_large("a literal of this size must be asked for"), code);
  }
  return step;
}

// Whether the literal is a message of an APPEND: every one but that of the mailbox name is.
Result<bool> CommandReader::begins_message(std::size_t literal_at) {
  GODWIT_ASSIGN(const CommandName command, read_command_name(text_));
  if (command.name != "APPEND") return false;
  if (literal_at == command.arguments_at + 1) return false;
  if (append_at_ == 0) {
    Cursor cursor(text_, dialect_);
    cursor.go_to(command.arguments_at);
    GODWIT_TRY(cursor.space());
    GODWIT_ASSIGN(append_mailbox_, cursor.mailbox());
    append_at_ = cursor.position();
  }
  GODWIT_TRY(check_append());
  return true;
}

// What came since the last message, so that nobody sends megabytes for a command that is wrong in front of them.
Result<> CommandReader::check_append() {
  Cursor cursor(text_, dialect_);
  cursor.go_to(append_at_);
  if (++messages_ > kMaxAppendMessages) return fail(cursor.too_many("too many messages in one APPEND"));
  if (append_closes_) {
    GODWIT_TRY(cursor.expect(')'));
  }
  GODWIT_ASSIGN(const AppendMessage message, parse_append_message(cursor));
  GODWIT_TRY(cursor.end());
  append_closes_ = message.utf8;
  append_at_ = cursor.position();
  return {};
}

Step CommandReader::refuse(Error error, std::string_view code) {
  error_ = std::move(error);
  code_ = code;
  refused_ = true;
  return skip_or_end(last_);
}

// RFC 7888 4: what was announced with "+" comes whatever we say. The other kind is never sent, and the command is over.
Step CommandReader::skip_or_end(const LiteralHead& head) {
  if (head.synchronizing) return ends(Step::Kind::refused, std::move(error_), code_);
  if (head.size > limits_.skip - skipped_) return ends(Step::Kind::hopeless, std::move(error_), code_);
  skipped_ += head.size;
  Step step;
  step.kind = Step::Kind::skip;
  step.size = head.size;
  return step;
}

}  // namespace godwit::imap
