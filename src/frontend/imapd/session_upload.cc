// The messages of an APPEND: from the client to the store while they arrive, so that nothing of their size is held in memory.

#include <algorithm>

#include "base/log.h"
#include "frontend/imapd/session.h"
#include "grammar/message/thread_ids.h"
#include "state/mailbox/details_maker.h"

namespace godwit::imapd {
namespace {

constexpr std::size_t kMaxDetailsHeld = 512 * 1024;  // of all messages of a MULTIAPPEND; a batch takes no more

}  // namespace

// What can be known before the client sends it. Of a MULTIAPPEND all messages so far count.
Task<std::optional<Error>> Session::may_upload(std::uint64_t size) {
  if (!account_) co_return Error::permanent(Error::Cause::denied, "Log in first");
  if (context_.blobs.full()) co_return Error::temporary(Error::Cause::full, "The server's disk is full; try again later");
  if (uploads_.empty()) {  // RFC 9051 6.3.12; else it was there a moment ago
    append_to_.reset();
    std::string name = commands_.append_mailbox();
    const auto target = co_await mailboxes().find(account(), std::move(name));
    if (!target && target.error().cause == Error::Cause::not_found)
      co_return Error::permanent(Error::Cause::not_found, std::string(text::kNoMailbox));
    if (target) append_to_ = target->number;
  }
  const mailbox::Quota& quota = settings_->quota;
  if (quota.bytes == 0 && quota.emails == 0) co_return std::nullopt;
  const auto usage = co_await mailboxes().usage(account());
  if (!usage) co_return std::nullopt;
  std::uint64_t bytes = usage->bytes + size;
  for (const Upload& each : uploads_) bytes += each.size;
  const bool fits = (quota.bytes == 0 || bytes <= quota.bytes) && (quota.emails == 0 || usage->emails + uploads_.size() < quota.emails);
  if (fits) co_return std::nullopt;
  co_return Error::permanent(Error::Cause::limit, std::string(text::kOverQuota));
}

// What was kept and is nobody's: its room may be used again at once.
void Session::let_go_of_uploads() {
  for (const Upload& upload : uploads_) {
    if (upload.blob.valid() && !upload.appended) context_.blobs.drop(upload.blob);
  }
  uploads_.clear();
  append_to_.reset();
}

Task<Session::Got> Session::read_message(imap::CommandReader::Step step) {
  if (auto error = co_await may_upload(step.size)) {
    const std::string_view code = error->cause == Error::Cause::full        ? "UNAVAILABLE"
                                  : error->cause == Error::Cause::limit     ? "OVERQUOTA"
                                  : error->cause == Error::Cause::not_found ? "TRYCREATE"
                                                                            : "";
    co_return co_await take_step(commands_.refuse(*std::move(error), code));
  }
  if (step.ask && !co_await ask_for_literal()) co_return Got::end;
  Upload& upload = uploads_.emplace_back();
  upload.writer = context_.blobs.begin(directory::partition_of(account()), 0);
  const auto received = co_await receive_message(upload, step.size);
  if (silent_) co_return Got::end;
  if (!received) {
    log::warning("append_failed", {{"session", id_}, {"account", account_->address.text()}, {"error", received.error().text}});
    upload.writer.reset();  // cmd(Append) says NO when the rest of the command is here
  }
  co_return Got::nothing;
}

// After a failure of the store the rest is read and dropped, so that it is never taken for commands.
Task<Result<void>> Session::receive_message(Upload& upload, std::uint64_t size) {
  Result<void> kept;
  message::ThreadIdReader ids;
  mailbox::DetailsMaker details;
  upload.size = size;
  while (size > 0) {
    const auto piece = co_await reader_.read_some(*stream_, settings_->literal_timeout);
    if (!piece || piece->empty()) {
      silent_ = true;
      co_return fail(Error::temporary(Error::Cause::closed, "the client left within a message"));
    }
    const std::string_view bytes = piece->substr(0, std::min<std::uint64_t>(size, piece->size()));
    upload.has_nul = upload.has_nul || bytes.find('\0') != std::string_view::npos;
    ids.feed(bytes);
    details.feed(bytes);
    if (kept) kept = co_await upload.writer->append(bytes);
    size -= bytes.size();
    reader_.consume(bytes.size());
  }
  upload.threads = ids.finish();
  upload.details = details.finish();
  std::size_t held = 0;
  for (const Upload& each : uploads_) held += each.details.size();
  if (held > kMaxDetailsHeld) upload.details.clear();
  if (!kept) co_return kept;
  GODWIT_CO_ASSIGN(upload.blob, co_await upload.writer->finish());
  co_return Result<void>{};
}

}  // namespace godwit::imapd
