#include "frontend/smtpd/reply_text.h"
#include "frontend/smtpd/session.h"

namespace godwit::smtpd {

// RFC 3207 4.2: after the handshake the session is as if it had just begun.
void Session::forget_everything() {
  hello_ = false;
  esmtp_ = false;
  helo_.clear();
  account_.reset();
  transaction_.reset();
  refused_ = false;
}

bool Session::tls_offered() const { return stream_->tls() == nullptr && context_.tls() != nullptr; }

// Who may open a transaction, on which listener, and when.
std::optional<Session::Reply> Session::may_begin_mail() const {
  if (!hello_) return replies::hello_first();
  if (role_ != Role::mx && !stream_->tls()) return replies::tls_first();
  // RFC 4954 6, RFC 6409 4.3
  if (role_ != Role::mx && !account_) return replies::authentication_required();
  if (transaction_) return replies::nested_mail();
  return std::nullopt;
}

// What a reply means for the replies to come. Who pipelines has sent RCPT and DATA before it heard that MAIL or RCPT was refused
// (RFC 2920 3.1): what these are then answered follows from our refusal and is no error of the client. One DATA ends that.
Session::Reply Session::follow(smtp::Verb verb, Reply reply) {
  const bool out_of_order = reply.enhanced == smtp::EnhancedCode{5, 5, 1};
  switch (verb) {
    case smtp::Verb::mail:
      if (reply.positive() || !transaction_) refused_ = !reply.positive();
      break;
    case smtp::Verb::rcpt:
      excused_ = out_of_order && refused_;
      if (transaction_) count_recipient(reply);
      break;
    case smtp::Verb::data: excused_ = std::exchange(refused_, false) && out_of_order; break;
    case smtp::Verb::ehlo:
    case smtp::Verb::helo:
    case smtp::Verb::rset: refused_ = false; break;
    default: break;
  }
  return reply;
}

// Who tries one address after the other and hits nobody is looking for addresses (RFC 5321 7.3).
void Session::count_recipient(Reply& reply) {
  recipient_accepted_ |= reply.positive();
  refused_ |= !reply.positive();
  if (!reply.permanent()) return;
  ++recipients_refused_;
  const std::uint64_t limit = settings_->refused_recipients;
  if (exempt_ || limit == 0 || recipient_accepted_ || recipients_refused_ <= limit) return;
  reply = replies::too_many_refused_recipients(recipients_refused_);
  closing_ = true;
}

intake::Source Session::source() const {
  intake::Source source;
  source.door = role_ == Role::mx ? intake::Source::Door::mx : intake::Source::Door::submission;
  source.account = account_;
  source.may_relay = may_relay_ || account_.has_value();
  source.session = id_;
  source.helo = helo_;
  source.esmtp = esmtp_;
  source.remote = remote_;
  source.local = stream_->local();
  source.tls = stream_->tls();
  return source;
}

}  // namespace godwit::smtpd
