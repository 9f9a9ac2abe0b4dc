#include "service/submission/submission.h"

#include <fmt/format.h>

#include "base/log.h"

namespace godwit::submission {

Task<std::optional<smtp::Reply>> check_sender(directory::Directory& directory, directory::Account account, smtp::ReversePath reverse_path) {
  if (reverse_path.is_null()) co_return std::nullopt;
  const auto may = co_await directory.may_send_as(account, reverse_path.address());
  if (!may) {
    log::warning("sender_check_failed", {{"account", account.address.text()}, {"error", may.error().text}});
    co_return smtp::Reply{451, {4, 3, 0}, "The directory cannot be read now; try again later"};
  }
  if (*may) co_return std::nullopt;
  co_return smtp::Reply{553, {5, 7, 1}, fmt::format("{} may not send as {}", account.address.text(), reverse_path.text())};
}

AddedFields missing_fields(const message::HeaderSummary& header, MessageId id, std::string_view hostname, WallTime now) {
  AddedFields added;
  if (header.date == 0) added.text += fmt::format("Date: {}\r\n", format_rfc5322(now));
  if (header.message_id == 0) {
    added.message_id = fmt::format("<{}@{}>", id.text(), hostname);
    added.text += fmt::format("Message-ID: {}\r\n", added.message_id);
  }
  return added;
}

}  // namespace godwit::submission
