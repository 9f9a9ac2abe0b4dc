#pragma once
// A mailbox in memory, FETCH on it as a client would write it, and what came of it. For tests and fuzz targets.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "edge/net/stream.h"
#include "frontend/imapd/fetch.h"
#include "grammar/imap/command.h"
#include "testing/memory_blobs.h"
#include "testing/memory_engine.h"
#include "testing/seeded_random.h"
#include "testing/test_loop.h"

namespace godwit::testing {

// Takes whatever is written.
class CollectingStream final : public net::Stream {
 public:
  std::string text;
  std::vector<std::size_t> writes;
  bool failing = false;
  std::function<void()> on_write;

  Task<Result<std::size_t>> read(std::span<char> /*into*/, Duration /*timeout*/) override { co_return std::size_t(0); }
  Task<Result<void>> wait_readable(Duration /*timeout*/) override { co_return Result<void>(); }
  Task<Result<void>> write(std::string_view bytes, Duration /*timeout*/) override {
    if (failing) co_return fail(Error::temporary(Error::Cause::closed, "the test has closed"));
    text += bytes;
    writes.push_back(bytes.size());
    if (on_write) on_write();
    co_return Result<void>();
  }
  void close() override {}
  void cancel() override {}
  const Endpoint& remote() const override { return nowhere_; }
  const Endpoint& local() const override { return nowhere_; }

 private:
  Endpoint nowhere_;
};

struct AddedMessage {
  std::string bytes;
  std::string prefix;
  std::uint8_t flags = 0;
  std::vector<std::string> keywords;
};

class FetchWorld {
 public:
  static constexpr directory::AccountId kAccount = 1;

  FetchWorld() : mailboxes(engine, blobs, loop.clock(), random) {
    GODWIT_CHECK(loop.run(mailboxes.open_account(kAccount)).has_value());
    out.set_stream(&stream);
  }

  mailbox::Uid add(AddedMessage message) {
    const auto appended = loop.run(append(mailboxes, blobs, std::move(message), loop.clock().now()));
    GODWIT_CHECK(appended.has_value() && appended->uids.size() == 1);
    all.push_back({static_cast<std::uint32_t>(all.size() + 1), appended->uids.front()});
    return appended->uids.front();
  }
  mailbox::Uid add(std::string bytes) {
    AddedMessage message;
    message.bytes = std::move(bytes);
    return add(std::move(message));
  }

  // `items` as behind the set: "(UID FLAGS) (CHANGEDSINCE 5)". Of all messages. Nothing: not IMAP.
  std::optional<std::string> try_fetch(std::string_view items) {
    auto command = imap::parse_command("a " + std::string(uid ? "UID " : "") + "FETCH 1:* " + std::string(items), dialect);
    if (!command) return std::nullopt;
    auto* asked = std::get_if<imap::Fetch>(&command->request);
    if (asked == nullptr) return std::nullopt;
    const auto keywords = loop.run(mailboxes.keywords(kAccount));
    imapd::Fetching fetching{.mailboxes = mailboxes,
                             .blobs = blobs,
                             .out = out,
                             .account = kAccount,
                             .mailbox = mailbox::kInbox,
                             .dialect = dialect,
                             .keywords = keywords.value(),
                             .recent = &recent,
                             .with_modseq = with_modseq,
                             .newly_seen = newly_seen};
    stream.text.clear();
    stream.writes.clear();
    result = loop.run(imapd::fetch(std::move(fetching), std::move(asked->items), uid, all, asked->changed_since));
    loop.run(out.flush());
    return stream.text;
  }
  std::string fetch(std::string_view items) {
    auto text = try_fetch(items);
    GODWIT_CHECK(text.has_value());
    return *std::move(text);
  }

  TestLoop loop;
  MemoryEngine engine;
  MemoryBlobs blobs;
  SeededRandom random{1};
  mailbox::Mailboxes mailboxes;
  CollectingStream stream;
  imapd::Output out{std::chrono::minutes(1)};
  std::vector<imapd::Numbered> all;

  imap::Dialect dialect;
  bool uid = false;
  bool with_modseq = false;
  mailbox::UidSet recent;
  std::vector<mailbox::Uid> newly_seen;
  imapd::FetchResult result;

 private:
  static Task<Result<mailbox::Appended>> append(mailbox::Mailboxes& mailboxes, store::Blobs& blobs, AddedMessage message, WallTime now) {
    const auto writer = blobs.begin(directory::partition_of(kAccount), 0);
    GODWIT_CO_TRY(co_await writer->append(message.bytes));
    GODWIT_CO_ASSIGN(const auto blob, co_await writer->finish());
    GODWIT_CO_TRY(co_await writer->synced());
    mailbox::NewMessage made;
    made.email.prefix = std::move(message.prefix);
    made.email.blob = blob;
    made.email.blob_size = message.bytes.size();
    made.email.received = now;
    made.email.threads = {""};
    made.flags = message.flags;
    made.keywords = std::move(message.keywords);
    std::vector<mailbox::NewMessage> messages;
    messages.push_back(std::move(made));
    const mailbox::Quota unlimited;
    co_return co_await mailboxes.append(kAccount, mailbox::kInbox, std::move(messages), unlimited);
  }
};

// Whether a text is FETCH responses and nothing else, as RFC 9051 9 writes them: parentheses closed, literals whole, a value an item.
class ResponseReader {
 public:
  explicit ResponseReader(std::string_view text) : text_(text) {}

  bool all() {
    while (!text_.empty())
      if (!response()) return false;
    return true;
  }

 private:
  bool eat(std::string_view what) {
    if (!text_.starts_with(what)) return false;
    text_.remove_prefix(what.size());
    return true;
  }
  bool number(std::uint64_t& out) {
    const auto length = std::min(text_.find_first_not_of("0123456789"), text_.size());
    if (length == 0 || length > 18) return false;
    out = std::stoull(std::string(text_.substr(0, length)));
    text_.remove_prefix(length);
    return true;
  }
  bool response() {
    std::uint64_t ignored = 0;
    if (!eat("* ") || !number(ignored) || !eat(" FETCH (")) return false;
    do {
      if (!label() || !eat(" ") || !value(0)) return false;
    } while (eat(" "));
    return eat(")\r\n");
  }
  bool label() {
    const auto length = text_.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.");
    if (length == 0 || length == std::string_view::npos) return false;
    text_.remove_prefix(length);
    std::uint64_t ignored = 0;
    if (eat("[") && !section()) return false;
    return !eat("<") || (number(ignored) && eat(">"));
  }
  bool section() {
    while (!eat("]")) {
      if (text_.empty()) return false;
      if (text_.starts_with('"') || text_.starts_with('{')) {
        if (!value(0)) return false;
      } else {
        text_.remove_prefix(1);
      }
    }
    return true;
  }
  bool literal(bool binary) {
    std::uint64_t size = 0;
    if (!number(size) || !eat("}\r\n") || size > text_.size()) return false;
    if (!binary && text_.substr(0, size).contains('\0')) return false;
    text_.remove_prefix(size);
    return true;
  }
  bool quoted() {
    while (!text_.empty()) {
      const char c = text_.front();
      if (c == '\r' || c == '\n' || c == '\0') return false;
      text_.remove_prefix(c == '\\' ? std::min<std::size_t>(2, text_.size()) : 1);
      if (c == '"') return true;
    }
    return false;
  }
  bool value(unsigned depth) {
    if (depth > 400 || text_.empty()) return false;
    if (eat("(")) {
      while (!eat(")"))
        if (!value(depth + 1))
          return false;
        else
          eat(" ");
      return true;
    }
    if (eat("\"")) return quoted();
    if (eat("~{")) return literal(true);
    if (eat("{")) return literal(false);
    const auto length = std::min(text_.find_first_of(" ()\r\n\"{"), text_.size());
    text_.remove_prefix(length);
    return length > 0;
  }

  std::string_view text_;
};

}  // namespace godwit::testing
