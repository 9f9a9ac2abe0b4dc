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
