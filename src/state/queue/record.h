#pragma once
// Message <-> rows: keys and values of the keyspaces fresh, waiting and due. Pure functions; any thread. docs/formats/queue.md.
//
// A message is one record (with its first 16 recipients) and pages of 16 for the others, so that news of one recipient
// among a thousand rewrites 16. The keys of the pages follow that of the record: one scan reads both.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "state/queue/message.h"

namespace godwit::queue {

inline constexpr std::size_t kPageRecipients = 16;  // on disk: do not change (docs/formats/queue.md)
static_assert(kMaxRecipients == kPageRecipients * 4'096);
// Words of a remote server and of ours are cut here, so that 16 recipients always fit into a row of 64 KiB.
inline constexpr std::size_t kMaxOutcomeText = 700;
inline constexpr std::size_t kMaxReplyClass = 32;
// The due time of what is held or has nothing pending: after every real one.
inline constexpr WallTime kNever{std::chrono::milliseconds(INT64_MAX)};

std::string message_key(MessageId id);                   // 8 bytes big-endian
std::string page_key(MessageId id, std::uint32_t page);  // message_key | page (2 bytes); page 0 lies in the record
struct RowKey {
  MessageId id;
  std::uint32_t page = 0;  // 0: the record
};
Result<RowKey> parse_row_key(std::string_view key);

std::string due_key(WallTime due, MessageId id);  // 8 bytes | 8 bytes
struct DueKey {
  WallTime due{};
  MessageId id;
};
Result<DueKey> parse_due_key(std::string_view key);

// What an index row tells without the message (13 bytes): totals are counted from it at the start. While nothing but its accept
// has written the message (25 bytes), also where the bytes lie that were on their way beside it.
struct DueValue {
  std::uint32_t pending = 0;
  std::uint64_t size = 0;
  bool held = false;
  std::optional<store::BlobId> as_accepted{};  // its blob
};
std::string encode_due(const DueValue& value);
Result<DueValue> decode_due(std::string_view value);

inline std::uint32_t page_count(std::size_t recipients) {
  return recipients <= kPageRecipients ? 1 : static_cast<std::uint32_t>((recipients + kPageRecipients - 1) / kPageRecipients);
}

// `limit` when a field is too long for a row of 64 KiB (a prefix of that size).
Result<std::string> encode_record(const Message& message);
Result<std::string> encode_page(const Message& message, std::uint32_t page);  // page >= 1

struct Decoded {
  Message message;             // with the recipients of the first page
  std::size_t recipients = 0;  // how many it has in all
};
Result<Decoded> decode_record(MessageId id, std::string_view value);
Result<void> decode_page(std::string_view value, Message& into);  // appends

// Of a message that has just been accepted: what the queue knows about its rows.
Message::Rows rows_of_fresh(const Message& message);
// What is held from the first goes to `waiting` at once, if one record and an index row are all that it needs.
bool waits_from_accept(const Message& message);
Message::Rows rows_of_held(const Message& message);
std::uint32_t pending_recipients(const Message& message);

}  // namespace godwit::queue
