#include <algorithm>
#include <utility>

#include "frontend/imapd/flag_bits.h"
#include "frontend/imapd/session.h"
#include "grammar/imap/writer.h"

namespace godwit::imapd {

using mailbox::NewMessage;

// RFC 6855 4 DEVIATES: 8-bit header fields are taken without ENABLE UTF8=ACCEPT too: whoever moves here brings old mail, and it is kept as
// it is. RFC 9051 6.3.12, RFC 3502 (several at once), RFC 4315 (APPENDUID), RFC 6855 4 (UTF8). The bytes are on their way to the disk by
// now, and may be there.
Task<Reply> Session::cmd(imap::Append command) {
  if (const auto refusal = refuse_upload(command)) co_return *refusal;
  auto target = std::exchange(append_to_, std::nullopt);
  if (!target) {  // it could not be asked for when the message began
    const auto found = co_await mailboxes().find(account(), command.mailbox);
    if (!found && found.error().cause == Error::Cause::not_found) co_return Reply::no(text::kNoMailbox, code::kTryCreate);
    if (!found) co_return reply_to(found.error());
    target = found->number;
  }
  std::vector<NewMessage> messages;
  for (std::size_t i = 0; i < uploads_.size(); ++i) {
    Upload& upload = uploads_[i];
    NewMessage& message = messages.emplace_back();
    message.email.blob = upload.blob;
    message.email.blob_size = upload.size;
    message.bytes = upload.writer.get();
    message.email.threads = std::move(upload.threads);
    message.email.details = std::move(upload.details);
    const auto& date = command.messages[i].internal_date;
    message.email.received = date ? WallTime(date->time) : context_.clock.now();
    message.flags = flag_bits(command.messages[i].flags);
    message.keywords = command.messages[i].flags.keywords;
  }
  const auto done = co_await mailboxes().append(account(), *target, std::move(messages), settings_->quota);
  if (!done && done.error().cause == Error::Cause::not_found) co_return Reply::no(text::kNoMailbox, code::kTryCreate);
  if (!done) co_return reply_to(done.error());
  if (done->over_quota) co_return Reply::no(text::kOverQuota, code::kOverQuota);
  for (Upload& upload : uploads_) upload.appended = true;
  std::string uids;
  imap::append_append_uid_code(uids, done->uid_validity, to_number_set(done->uids));
  co_return Reply::ok("Kept", std::move(uids));
}

// What is wrong with what came.
std::optional<Reply> Session::refuse_upload(const imap::Append& command) const {
  if (command.messages.size() != uploads_.size()) return Reply::bad("A message is missing");
  for (std::size_t i = 0; i < uploads_.size(); ++i) {
    // RFC 3502 6.3.11: a message without a byte calls the whole command off
    if (command.messages[i].size == 0) return Reply::no("An empty message calls APPEND off");
    if (!uploads_[i].writer) return Reply::no("The message could not be kept; try again later", code::kUnavailable);
    if (uploads_[i].has_nul && !command.messages[i].binary)
      return Reply::bad("There is a NUL in the message: only a literal8 (~{...}) may hold one");
    if (command.messages[i].utf8 && !dialect_.utf8()) return Reply::bad("ENABLE UTF8=ACCEPT comes first");
  }
  return std::nullopt;
}

}  // namespace godwit::imapd
