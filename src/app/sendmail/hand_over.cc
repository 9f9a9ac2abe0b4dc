#include <fmt/format.h>

#include "app/sendmail/submission.h"

namespace godwit::sendmail {

smtp::Reply hand_over(const Submission& submission, const Settings& settings, unsigned group) {
  auto reply = submit_to(settings.socket, submission);
  if (reply && reply->code != 421) return *std::move(reply);
  const std::string why = reply ? reply->text : reply.error().text;
  const auto left = leave_in(settings.maildrop, submission, group);
  if (left) return {250, {2, 0, 0}, "Kept in the maildrop: the server is down and takes it when it starts"};
  std::string text = fmt::format("{}, and the message cannot be left for it: {}", why, left.error().text);
  if (left.error().cause == Error::Cause::denied)
    text += "\nthe administrator can mend that: this program must be setgid godwit-drop, as must the maildrop's group be";
  if (left.error().cause == Error::Cause::not_found) text += "\nthe server makes the maildrop when it starts first";
  return {451, {4, 3, 0}, std::move(text)};
}

}  // namespace godwit::sendmail
