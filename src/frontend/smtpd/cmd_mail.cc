#include "frontend/smtpd/reply_text.h"
#include "frontend/smtpd/session.h"

namespace godwit::smtpd {
namespace {

// The grammar knows parameters of extensions that are not in our EHLO: RFC 5321 4.1.1.11 wants 555 for those.
std::optional<smtp::Reply> refuse_unoffered(const smtp::Mail& mail, bool auth_offered) {
  if (mail.auth_given && !auth_offered) return replies::parameter_not_offered("AUTH");
  return std::nullopt;
}

queue::Message::Return content_to_return(smtp::Ret ret) {
  using Return = queue::Message::Return;
  return ret == smtp::Ret::full ? Return::full : ret == smtp::Ret::headers ? Return::headers : Return::unset;
}

}  // namespace

// RFC 5321 4.1.1.2
Task<Session::Reply> Session::cmd_mail(std::string_view arguments) {
  if (auto refusal = may_begin_mail()) co_return *std::move(refusal);
  auto mail = smtp::parse_mail(arguments);
  if (!mail) co_return mail.error().reply();
  if (auto refusal = refuse_unoffered(*mail, auth_possible())) co_return *std::move(refusal);

  intake::MailParameters parameters;
  parameters.reverse_path = std::move(mail->path);
  parameters.size = mail->size;
  parameters.body_8bit = mail->body == smtp::Body::eight_bit_mime;
  parameters.smtputf8 = mail->smtputf8;
  parameters.envid = std::move(mail->envid);  // RFC 3461 5.1 (a): refuses nothing
  parameters.ret = content_to_return(mail->ret);
  const auto from = source();
  auto transaction = co_await context_.intake.begin(from, std::move(parameters));
  if (!transaction) co_return std::move(transaction).error();
  transaction_ = *std::move(transaction);
  smtputf8_ = mail->smtputf8;
  co_return replies::sender_ok();
}

}  // namespace godwit::smtpd
