#include "state/mailbox/message_page.h"

#include <algorithm>

#include "state/mailbox/varint.h"

namespace godwit::mailbox {
namespace {

// on disk: do not change
constexpr std::uint8_t kVersion = 2;  // 1 was a row a message, before the first release
constexpr std::uint8_t kOffset = 0x3f;
constexpr std::uint8_t kHasKeywords = 0x40;
constexpr std::uint8_t kKeywordBits = 0x80;  // as a bitmap, where that is shorter

constexpr std::size_t kMostOfOne = 64;     // bytes of a message without its keywords
constexpr std::size_t kMostOfGrowth = 18;  // by new modseqs: its own, its difference to the created one, and that of the next

Error damaged() { return Error::permanent(Error::Cause::corrupt, "a page of messages is damaged"); }

std::uint64_t number_of(WallTime time) { return static_cast<std::uint64_t>(time.time_since_epoch().count()); }
WallTime time_of(std::uint64_t number) { return WallTime(Duration(static_cast<Duration::rep>(number))); }

std::size_t bitmap_size(const std::vector<KeywordNumber>& keywords) { return keywords.empty() ? 0 : keywords.back() / 8u + 1; }

std::string encode_list(const std::vector<KeywordNumber>& keywords) {
  std::string out;
  append_varint(out, keywords.size());
  KeywordNumber last = 0;
  for (const KeywordNumber each : keywords) {
    append_varint(out, static_cast<std::uint64_t>(each - last));
    last = each;
  }
  return out;
}

std::string encode_bits(const std::vector<KeywordNumber>& keywords) {
  std::string bits(bitmap_size(keywords), '\0');
  for (const KeywordNumber each : keywords) bits[each / 8u] = static_cast<char>(bits[each / 8u] | (0x80 >> each % 8));
  std::string out;
  append_varint(out, bits.size());
  return out + bits;
}

bool read_list(VarintReader& in, std::vector<KeywordNumber>& out) {
  const std::uint64_t count = in.number();
  if (count == 0 || count > Keywords::kMax) return false;
  out.reserve(count);
  std::uint64_t last = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t step = in.number();
    if ((step == 0 && i != 0) || step > UINT16_MAX || last + step > UINT16_MAX) return false;
    last += step;
    out.push_back(static_cast<KeywordNumber>(last));
  }
  return in.ok();
}

bool read_bits(VarintReader& in, std::vector<KeywordNumber>& out) {
  const std::string_view bits = in.bytes(in.number());
  if (!in.ok() || bits.empty() || bits.size() > (UINT16_MAX + 1u) / 8) return false;
  for (std::size_t i = 0; i < bits.size() * 8; ++i) {
    if ((static_cast<std::uint8_t>(bits[i / 8]) & (0x80 >> i % 8)) != 0) out.push_back(static_cast<KeywordNumber>(i));
  }
  return true;
}

void append_member(std::string& out, Uid uid, const Membership& row, const Membership& before) {
  std::string keywords;
  auto head = static_cast<std::uint8_t>(uid & kOffset);
  if (!row.keywords.empty()) {
    head |= kHasKeywords;
    keywords = encode_list(row.keywords);
    if (bitmap_size(row.keywords) + 2 < keywords.size()) {
      keywords = encode_bits(row.keywords);
      head |= kKeywordBits;
    }
  }
  out += static_cast<char>(head);
  out += static_cast<char>(row.flags);
  append_difference(out, before.email, row.email);
  append_difference(out, before.modseq, row.modseq);
  append_difference(out, row.modseq, row.created);
  append_varint(out, row.size);
  append_difference(out, number_of(before.received), number_of(row.received));
  append_difference(out, number_of(before.saved), number_of(row.saved));
  out += keywords;
}

bool read_member(VarintReader& in, std::uint8_t head, const Membership& before, Membership& row) {
  row.flags = in.byte();
  row.email = in.differing(before.email);
  row.modseq = in.differing(before.modseq);
  row.created = in.differing(row.modseq);
  row.size = in.number();
  row.received = time_of(in.differing(number_of(before.received)));
  row.saved = time_of(in.differing(number_of(before.saved)));
  if ((head & kHasKeywords) == 0) return in.ok() && (head & kKeywordBits) == 0;
  return (head & kKeywordBits) != 0 ? read_bits(in, row.keywords) : read_list(in, row.keywords);
}

}  // namespace

const Membership* MessagePage::find(Uid uid) const {
  const auto at = std::ranges::lower_bound(members_, uid, {}, &Member::uid);
  return at != members_.end() && at->uid == uid ? &at->row : nullptr;
}

void MessagePage::put(Uid uid, Membership member) {
  stored_bytes_ = 0;
  const auto at = std::ranges::lower_bound(members_, uid, {}, &Member::uid);
  if (at != members_.end() && at->uid == uid)
    at->row = std::move(member);
  else
    members_.insert(at, {uid, std::move(member)});
}

void MessagePage::erase(Uid uid) {
  const auto at = std::ranges::lower_bound(members_, uid, {}, &Member::uid);
  if (at != members_.end() && at->uid == uid) members_.erase(at);
}

std::size_t MessagePage::most_bytes() const {
  if (stored_bytes_ != 0) return stored_bytes_ + members_.size() * kMostOfGrowth;
  std::size_t bytes = 1;
  for (const Member& each : members_) bytes += kMostOfOne + std::min(each.row.keywords.size() * 3, bitmap_size(each.row.keywords)) + 3;
  return bytes;
}

std::string MessagePage::encode() const {
  std::string out(1, static_cast<char>(kVersion));
  out.reserve(members_.size() * 24);
  const Membership none;
  const Membership* before = &none;
  for (const Member& each : members_) {
    append_member(out, each.uid, each.row, *before);
    before = &each.row;
  }
  return out;
}

Result<MessagePage> MessagePage::decode(std::uint32_t page, std::string_view bytes) {
  if (bytes.empty() || static_cast<std::uint8_t>(bytes.front()) != kVersion) return fail(damaged());
  MessagePage out;
  out.stored_bytes_ = bytes.size();
  out.members_.reserve(std::min<std::size_t>(kSize, bytes.size() / 8));
  const Membership none;
  for (VarintReader in(bytes.substr(1)); !in.done();) {
    const std::uint8_t head = in.byte();
    const Uid uid = first_uid(page) + (head & kOffset);
    if (!out.members_.empty() && uid <= out.members_.back().uid) return fail(damaged());
    Membership row;
    if (!read_member(in, head, out.members_.empty() ? none : out.members_.back().row, row)) return fail(damaged());
    out.members_.push_back({uid, std::move(row)});
  }
  return out;
}

}  // namespace godwit::mailbox
