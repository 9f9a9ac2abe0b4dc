#include "service/outbound/transaction.h"

#include <charconv>
#include <numeric>
#include <optional>

#include "grammar/smtp/dsn_parameters.h"
#include "service/outbound/limits.h"

namespace godwit::outbound {
namespace {

void append_number(std::string& out, std::uint64_t number) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

// RFC 3461 5.2.1 (c)
void append_notify(std::string& out, const queue::Notify& notify) {
  if (notify.given) out += " NOTIFY=" + smtp::format_notify({true, notify.never, notify.success, notify.failure, notify.delay});
}

// RFC 3461 5.2.1 (d): as it came; where none came and an alias led here, the address that the sender knows.
void append_orcpt(std::string& out, const queue::Recipient& to, bool smtputf8) {
  if (to.orcpt.empty() && to.original.empty()) return;
  const std::string orcpt = to.orcpt.empty() ? smtp::orcpt_of(to.original) : to.orcpt;
  // RFC 6533 3: UTF-8 alone where SMTPUTF8 is in use
  const std::optional<std::string> fit = smtputf8 ? std::optional(orcpt) : smtp::orcpt_in_ascii(orcpt);
  if (fit && fit->size() <= smtp::kMaxOrcpt) out += " ORCPT=" + *fit;
}

}  // namespace

Work::Work(Job j) : job(std::move(j)), outcomes(job.recipients.size()), open(job.recipients.size()) {
  std::iota(open.begin(), open.end(), 0);
}

void Work::decide_open(const queue::Outcome& outcome) {
  for (const std::size_t position : open) outcomes[position] = outcome;
  open.clear();
}

Transaction::Transaction(Work work, MailOptions options, MessageBody body, std::string remote)
    : work_(std::move(work)), options_(std::move(options)), body_(std::move(body)), remote_(std::move(remote)) {}

const queue::Recipient& Transaction::recipient(std::size_t position) const {
  return work_.job.message->recipients[work_.job.recipients[position]];
}

bool Transaction::commands_left() const {
  if (sent_ == commands() || mail_refused_) return false;
  // every RCPT is answered, none positively: DATA would be in vain
  return !(sent_ == commands() - 1 && answered_ == sent_ && accepted_.empty());
}

void Transaction::append_mail(std::string& out) const {
  const queue::Message& message = *work_.job.message;
  out += "MAIL FROM:<";
  if (!message.reverse_path.is_null()) out += message.reverse_path.text();
  out += '>';
  if (options_.size) {
    out += " SIZE=";
    append_number(out, message.prefix.size() + message.size);
  }
  if (options_.eight_bit) out += " BODY=8BITMIME";
  if (options_.smtputf8) out += " SMTPUTF8";
  if (options_.dsn && message.ret != queue::Message::Return::unset)
    out += message.ret == queue::Message::Return::full ? " RET=FULL" : " RET=HDRS";
  if (options_.dsn && !message.envid.empty()) out += " ENVID=" + message.envid;
  out += "\r\n";
}

void Transaction::append_rcpt(std::string& out, const queue::Recipient& to) const {
  out += "RCPT TO:<";
  out += to.address.text();
  out += '>';
  if (options_.dsn) append_notify(out, to.notify);
  if (options_.dsn) append_orcpt(out, to, options_.smtputf8);
  out += "\r\n";
}

void Transaction::append_commands(std::string& out, std::size_t most) {
  for (; most > 0 && commands_left(); --most, ++sent_) {
    if (sent_ == 0)
      append_mail(out);
    else if (sent_ < commands() - 1)
      append_rcpt(out, recipient(work_.open[sent_ - 1]));
    else
      out += "DATA\r\n";
  }
}

Duration Transaction::reply_timeout() const {
  if (answered_ == 0) return kMail;
  return answered_ < commands() - 1 ? kRcpt : kDataInitiation;
}

std::string_view Transaction::waiting_for() const {
  if (answered_ == 0) return "the answer to MAIL";
  if (answered_ < commands() - 1) return "the answer to RCPT";
  return answered_ == commands() - 1 ? "the answer to DATA" : "the answer to the message";
}

void Transaction::on_rcpt(std::size_t position, const smtp::Reply& reply) {
  if (reply.positive()) {
    accepted_.push_back(position);
    return;
  }
  if (!accepted_.empty() && too_many_recipients(reply)) again_.push_back(position);
  work_.decide(position, refused(Stage::rcpt, reply, remote_));
}

bool Transaction::fits(const smtp::Reply& reply) const {
  const bool to_data = answered_ == commands() - 1;
  return to_data ? !reply.positive() : !reply.intermediate();
}

void Transaction::on_reply(const smtp::Reply& reply) {
  const std::size_t index = answered_++;
  if (index == 0) {
    mail_accepted_ = reply.positive();
    mail_refused_ = !mail_accepted_;
    if (mail_refused_)
      for (const std::size_t position : work_.open) work_.decide(position, refused(Stage::mail, reply, remote_));
  } else if (index < commands() - 1) {
    if (mail_accepted_) on_rcpt(work_.open[index - 1], reply);
  } else if (reply.code == 354) {
    data_accepted_ = true;
  } else {
    const queue::Outcome outcome = refused(Stage::data, reply, remote_);
    for (const std::size_t position : accepted_) work_.decide(position, outcome);
    accepted_.clear();
    again_.clear();
  }
}

// RFC 3461 5.2.1, 5.2.2: a server that offers DSN has taken over to report success, from any other nothing more is heard.
queue::Outcome Transaction::finally(const smtp::Reply& reply) const {
  if (!reply.positive()) return refused(Stage::end_of_data, reply, remote_);
  queue::Outcome outcome = delivered(reply, remote_, options_.tls);
  outcome.success = options_.dsn ? queue::Outcome::Success::passed_on : queue::Outcome::Success::relayed;
  return outcome;
}

void Transaction::on_final(const smtp::Reply& reply) {
  data_done_ = true;
  // RFC 2920 3.1: with no recipient accepted the lone dot was a formality
  any_delivered_ = reply.positive() && !accepted_.empty();
  const queue::Outcome outcome = finally(reply);
  for (const std::size_t position : accepted_) work_.decide(position, outcome);
  accepted_.clear();
}

bool Transaction::on_final_of_one(const smtp::Reply& reply) {
  any_delivered_ = any_delivered_ || reply.positive();
  work_.decide(accepted_[finals_++], finally(reply));
  if (finals_ < accepted_.size()) return false;
  data_done_ = true;
  accepted_.clear();
  return true;
}

void Transaction::fail_rest(const queue::Outcome& outcome) {
  // sent, not answered; or answered positively and waiting for the end of data
  const std::size_t answered_recipients = answered_ == 0 ? 0 : std::min(answered_ - 1, work_.open.size());
  if (!mail_refused_)
    for (std::size_t i = answered_recipients; i < work_.open.size(); ++i) work_.decide(work_.open[i], outcome);
  for (std::size_t i = finals_; i < accepted_.size(); ++i) work_.decide(accepted_[i], outcome);
  accepted_.clear();
  failed_ = true;
}

Work Transaction::take_work() {
  if (any_delivered_)
    work_.open = std::move(again_);
  else if (heard() || failed_)
    work_.open.clear();
  return std::move(work_);
}

}  // namespace godwit::outbound
