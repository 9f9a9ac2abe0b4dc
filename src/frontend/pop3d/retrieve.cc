// A message on its way to the client, for RETR and TOP: the prefix, then the blob in pieces; never more than a few of them
// in memory.

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "base/metrics.h"
#include "frontend/pop3d/reply_text.h"
#include "frontend/pop3d/session.h"
#include "grammar/pop3/multiline.h"
#include "grammar/pop3/top.h"

namespace godwit::pop3d {
namespace {

constexpr std::size_t kPiece = 64 * 1024;

// Dots and, for TOP, the end.
class Outgoing {
 public:
  explicit Outgoing(std::optional<std::uint32_t> top_lines) {
    if (top_lines) top_.emplace(*top_lines);
  }
  void append(std::string& out, std::string_view bytes) { writer_.append(out, top_ ? top_->take(bytes) : bytes); }
  bool done() const { return top_ && top_->done(); }
  void finish(std::string& out) { writer_.finish(out); }

 private:
  pop3::MultilineWriter writer_;
  std::optional<pop3::TopFilter> top_;
};

void count_retrieved(std::uint64_t octets) {
  static auto& messages = metrics::counter("godwit_pop3d_retrieved_total", "Messages sent to POP3 clients");
  static auto& bytes = metrics::counter("godwit_pop3d_retrieved_bytes_total", "Octets of messages sent to POP3 clients");
  messages.add();
  bytes.add(octets);
}

}  // namespace

Task<Result<std::string>> Session::read_piece(const mailbox::Email& email, std::uint64_t offset) {
  if (offset >= email.blob_size) co_return std::string();
  auto piece = co_await context_.blobs.read(email.blob, offset, kPiece);
  if (piece && piece->empty()) co_return fail(Error::permanent(Error::Cause::corrupt, "the message is shorter than it was"));
  co_return piece;
}

void Session::explain_read(const Error& error, const Listed& message) {
  log::warning("message_unreadable",
               {{"session", id_}, {"account", account_->address.text()}, {"uid", message.uid}, {"error", error.text}});
  err(error.kind == Error::Kind::permanent ? text::kMessageDamaged : text::kMessageUnavailable);
}

// No record: another session has expunged the message, or, where the mailbox still lists it, the record itself is lost.
Task<> Session::explain_missing(const Listed& message) {
  const auto now = co_await context_.mailboxes.snapshot(account_->id, mailbox::kInbox);
  const bool gone = !now && now.error().cause == Error::Cause::not_found;
  if (!now && !gone) co_return explain_read(now.error(), message);
  const bool listed = now && now->uid_validity == uid_validity_ &&
                      std::ranges::any_of(now->messages, [&](const auto& each) { return each.uid == message.uid; });
  if (!listed) co_return err(text::kRemovedMeanwhile);
  log::error("message_record_lost", {{"session", id_}, {"account", account_->address.text()}, {"uid", message.uid}});
  err(text::kRecordLost);
}

// RFC 6856 2.1 DEVIATES: a message with UTF-8 in its header goes out as it is without UTF8 mode, too; a surrogate would not be
// the message, and a refusal would hide it from every client that was not told of the command.
Task<> Session::send_message(Listed& message, std::optional<std::uint32_t> top_lines) {
  const auto email = co_await context_.mailboxes.email(account_->id, message.email);
  if (!email && email.error().cause == Error::Cause::not_found) co_return co_await explain_missing(message);
  if (!email) co_return explain_read(email.error(), message);
  // the first piece is read before +OK: as long as nothing is promised, -ERR can be said
  auto piece = co_await read_piece(*email, 0);
  if (!piece) co_return explain_read(piece.error(), message);

  ok(top_lines ? std::string("the top of the message follows") : fmt::format("{} octets", message.size));
  Outgoing outgoing(top_lines);
  outgoing.append(out_, email->prefix);
  for (std::uint64_t offset = 0; !piece->empty() && !outgoing.done();) {
    outgoing.append(out_, *piece);
    offset += piece->size();
    co_await flush_if_large();
    if (broken_) co_return;
    piece = co_await read_piece(*email, offset);
    if (!piece) {
      // in the middle of a response there is no way to say so but to break off before its end
      log::error("message_broken_off",
                 {{"session", id_}, {"account", account_->address.text()}, {"uid", message.uid}, {"error", piece.error().text}});
      broken_ = true;
      co_return;
    }
  }
  outgoing.finish(out_);
  if (top_lines) co_return;
  if (!message.retrieved) on_the_way_.push_back(&message);
  message.retrieved = true;
  ++retrieved_;
  count_retrieved(message.size);
}

}  // namespace godwit::pop3d
