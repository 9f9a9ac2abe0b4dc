#include "state/mailbox/earlier_rows.h"

#include "base/bytes.h"

namespace godwit::mailbox {
namespace {

constexpr char kPacked = 1;
constexpr std::size_t kMessage = 25;  // email, modseq, octets, flags
constexpr std::size_t kDates = 16;    // saved, received
constexpr std::size_t kChange = 25;   // kind, mailbox, uid, email, created
constexpr char kExpunged = 3;

Error damaged() { return Error::permanent(Error::Cause::corrupt, "a mailbox row of an earlier release is damaged"); }

WallTime time_of(std::string_view bytes) { return WallTime(Duration(static_cast<Duration::rep>(read_be64(bytes)))); }

}  // namespace

Result<Place> parse_earlier_message_key(std::string_view key) {
  if (key.size() != 9) return fail(damaged());
  return Place{read_be32(key.substr(1)), read_be32(key.substr(5))};
}

Result<EarlierMessage> decode_earlier_message(std::string_view value) {
  if (value.size() < 1 + kMessage || value.front() != kPacked) return fail(damaged());
  value.remove_prefix(1);
  EarlierMessage out;
  out.row.email = read_be64(value);
  out.row.modseq = read_be64(value.substr(8));
  out.row.size = read_be64(value.substr(16));
  out.row.flags = static_cast<std::uint8_t>(value[24]);
  value.remove_prefix(kMessage);
  out.is_dated = !value.empty();
  if (!out.is_dated) return out;
  if (value.size() < kDates || value.size() % 2 != 0) return fail(damaged());
  out.row.saved = time_of(value);
  out.row.received = time_of(value.substr(8));
  value.remove_prefix(kDates);
  for (; !value.empty(); value.remove_prefix(2)) out.row.keywords.push_back(read_be16(value));
  return out;
}

bool is_earlier_change(std::string_view value) { return !value.empty() && value.front() == kPacked; }

Result<std::optional<ExpungedRow>> decode_earlier_change(std::string_view value) {
  if (value.size() < 1 + kChange || !is_earlier_change(value)) return fail(damaged());
  value.remove_prefix(1);
  if (value[0] != kExpunged) return std::nullopt;
  return ExpungedRow{read_be32(value.substr(1)), {{read_be32(value.substr(5)), read_be64(value.substr(9)), read_be64(value.substr(17))}}};
}

}  // namespace godwit::mailbox
