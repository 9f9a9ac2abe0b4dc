#include "app/sendmail/smtp_dialogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "grammar/smtp/command.h"
#include "grammar/smtp/dsn_parameters.h"

namespace godwit::sendmail {
namespace {

using smtp::Reply;
using smtp::Verb;

// RFC 6761 6.4: nobody's. The grammar wants a domain; the server knows which one an address without it means.
constexpr std::string_view kNoDomain = "@domain.missing.invalid";

// "TO:<root> NOTIFY=..." with a domain for the grammar; anything else as it is.
std::string with_domain(std::string_view arguments) {
  std::string text(arguments);
  const std::size_t open = text.find('<');
  const std::size_t close = text.find('>', open == std::string::npos ? text.size() : open);
  if (close == std::string::npos || close == open + 1) return text;
  if (std::string_view(text).substr(open, close - open).find('@') == std::string_view::npos) text.insert(close, kNoDomain);
  return text;
}

std::string without_domain(std::string address) {
  if (address.ends_with(kNoDomain)) address.resize(address.size() - kNoDomain.size());
  return address;
}

bool has_controls(std::string_view line) {
  return std::ranges::any_of(line, [](char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 0x7f; });
}

Reply ok() { return {250, {2, 0, 0}, "Ok"}; }
Reply not_offered(std::string_view what) { return {555, {5, 5, 4}, fmt::format("{} is not offered here", what)}; }
Reply too_big(std::uint64_t limit) { return {552, {5, 3, 4}, fmt::format("Message too big; the limit is {} bytes", limit)}; }
Reply help() {
  return {214, {2, 0, 0}, "Godwit's sendmail -bs knows: EHLO HELO MAIL RCPT DATA RSET NOOP QUIT VRFY HELP\nThe rules are in RFC 5321"};
}

}  // namespace

std::string SmtpDialogue::greeting() const {
  std::string out;
  smtp::append_wire(out, Reply{220, {}, fmt::format("{} ESMTP Godwit sendmail", environment_.hostname)});
  return out;
}

void SmtpDialogue::feed(std::string_view bytes, std::string& out) {
  while (!bytes.empty() && !ended_) bytes.remove_prefix(message_ ? take_message(bytes, out) : take_command(bytes, out));
}

void SmtpDialogue::answer(const Reply& reply, std::string& out) {
  smtp::append_wire(out, reply);
  if (reply.code < 500 || reply.code > 504) return;  // a refused address or message is no error of the protocol
  if (++errors_ < kMaxErrors) return;
  smtp::append_wire(out, Reply{421, {4, 7, 0}, "Too many errors"});
  ended_ = true;
}

std::size_t SmtpDialogue::take_command(std::string_view bytes, std::string& out) {
  const std::size_t end = bytes.find('\n');
  const std::string_view part = bytes.substr(0, end);
  line_too_long_ = line_too_long_ || line_.size() + part.size() > kMaxCommand;
  if (!line_too_long_) line_ += part;
  if (end == std::string_view::npos) return bytes.size();
  std::string line = std::exchange(line_, {});
  if (std::exchange(line_too_long_, false)) {
    answer({500, {5, 5, 2}, "Line too long"}, out);
    return end + 1;
  }
  const bool crlf = line.ends_with('\r');
  if (crlf) line.pop_back();
  answer(command(line, crlf), out);
  return end + 1;
}

Reply SmtpDialogue::command(std::string_view line, bool crlf) {
  if (has_controls(line)) return {500, {5, 5, 2}, "Control characters are not allowed in a command"};
  const auto words = smtp::split_command(line);
  switch (words.verb) {
    case Verb::ehlo:
    case Verb::helo: return hello(words.arguments, words.verb == Verb::ehlo);
    case Verb::mail: return mail(words.arguments);
    case Verb::rcpt: return rcpt(words.arguments);
    case Verb::data: return data(words.arguments, crlf);
    case Verb::rset: transaction_.reset(); return ok();
    case Verb::noop: return ok();
    case Verb::quit: ended_ = true; return {221, {2, 0, 0}, fmt::format("{} closing", environment_.hostname)};
    // RFC 5321 3.5.3: what may be said when nothing is told
    case Verb::vrfy: return {252, {2, 5, 0}, "Cannot VRFY user, but will accept a message and attempt delivery"};
    case Verb::help: return help();
    case Verb::unknown: return {500, {5, 5, 2}, "Command not recognised"};
    default: return {502, {5, 5, 1}, fmt::format("{} is not offered on a pipe", smtp::to_string(words.verb))};
  }
}

// RFC 5321 4.1.1.1; 4.1.4: also a RSET. A name is not asked for: programs send what they like, and the kernel knows who it is.
Reply SmtpDialogue::hello(std::string_view arguments, bool extended) {
  if (const auto name = smtp::parse_hello(arguments); !name) return name.error().reply();
  transaction_.reset();
  if (!extended) return {250, {}, environment_.hostname};
  return {250,
          {},
          fmt::format("{}\nPIPELINING\nSIZE {}\n8BITMIME\nSMTPUTF8\nENHANCEDSTATUSCODES\nDSN\nHELP", environment_.hostname,
                      environment_.max_message_size)};
}

Reply SmtpDialogue::mail(std::string_view arguments) {
  if (transaction_) return {503, {5, 5, 1}, "A transaction is open already; send RSET first"};
  const auto mail = smtp::parse_mail(with_domain(arguments));
  if (!mail) return mail.error().reply();
  if (mail->auth_given) return not_offered("AUTH");
  if (mail->size && *mail->size > environment_.max_message_size) return too_big(environment_.max_message_size);
  transaction_ = std::make_unique<Transaction>();
  transaction_->from = without_domain(mail->path.text());
  transaction_->smtputf8 = mail->smtputf8;
  if (mail->ret != smtp::Ret::unset) transaction_->ret = mail->ret == smtp::Ret::full ? "full" : "hdrs";
  transaction_->envid = mail->envid;
  return {250, {2, 1, 0}, "Ok"};
}

Reply SmtpDialogue::rcpt(std::string_view arguments) {
  if (!transaction_) return {503, {5, 5, 1}, "Send MAIL first"};
  auto rcpt = smtp::parse_rcpt(with_domain(arguments));
  if (!rcpt) return rcpt.error().reply();
  if (rcpt->needs_smtputf8 && !transaction_->smtputf8) return {553, {5, 6, 7}, "An address beyond ASCII needs SMTPUTF8"};
  std::string address = without_domain(rcpt->address.text());
  // RFC 5321 4.5.3.1.10; the half of what an envelope may hold leaves room for the rest of it
  const bool full = transaction_->recipients.size() >= environment_.max_recipients ||
                    transaction_->bytes + address.size() + rcpt->orcpt.size() + 64 > submit::kMaxEnvelope / 2;
  if (full) return {452, {4, 5, 3}, fmt::format("Too many recipients; {} are taken at once", transaction_->recipients.size())};
  transaction_->bytes += address.size() + rcpt->orcpt.size() + 64;
  submit::Envelope::ForOne one{ascii_lower(smtp::format_notify(rcpt->notify)), std::move(rcpt->orcpt)};
  if (one != submit::Envelope::ForOne()) transaction_->for_one[transaction_->recipients.size()] = std::move(one);
  transaction_->recipients.push_back(std::move(address));
  return {250, {2, 1, 5}, "Ok"};
}

Reply SmtpDialogue::data(std::string_view arguments, bool crlf) {
  if (const auto nothing = smtp::parse_nothing(arguments); !nothing) return nothing.error().reply();
  if (!transaction_) return {503, {5, 5, 1}, "Send MAIL first"};
  if (transaction_->recipients.empty()) return {554, {5, 5, 1}, "No valid recipients"};
  message_ = std::make_unique<Message>(crlf);
  return {354, {}, "End the message with a line that is a single dot"};
}

void SmtpDialogue::keep(std::string_view text) {
  Message& message = *message_;
  if (message.refusal.code != 0) return;
  if (message.spool.size() + text.size() > environment_.max_message_size) {
    message.refusal = too_big(environment_.max_message_size);
    return;
  }
  message.header.feed(text);
  if (const auto kept = message.spool.append(text); !kept) message.refusal = {451, {4, 3, 0}, kept.error().text};
}

std::size_t SmtpDialogue::take_message(std::string_view bytes, std::string& out) {
  constexpr std::size_t kPiece = 64 * 1024;
  std::string text;
  const std::size_t used = message_->input.feed(bytes.substr(0, kPiece), text);
  keep(text);
  if (message_->input.ended()) answer(finish_message(), out);
  return used;
}

// The transaction is over, whatever comes of it (RFC 5321 4.1.1.4).
Reply SmtpDialogue::finish_message() {
  const auto message = std::exchange(message_, nullptr);
  const auto transaction = std::exchange(transaction_, nullptr);
  if (message->refusal.code != 0) return message->refusal;
  message->header.finish();
  Submission submission;
  submission.spool = &message->spool;
  submission.head = environment_.missing_head(message->header.summary(), message->spool.size());
  submission.envelope = environment_.envelope;
  submission.envelope.from = transaction->from;
  submission.envelope.recipients = std::move(transaction->recipients);
  submission.envelope.for_one = std::move(transaction->for_one);
  if (!transaction->ret.empty()) submission.envelope.ret = transaction->ret;
  if (!transaction->envid.empty()) submission.envelope.envid = transaction->envid;
  submission.envelope.eight_bit = message->input.eight_bit();
  submission.envelope.size = submission.size();
  if (message->header.summary().from > 0) submission.envelope.author.reset();
  return environment_.hand_over(submission);
}

}  // namespace godwit::sendmail
