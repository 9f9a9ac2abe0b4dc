#include "state/events/record.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "base/encoding.h"

namespace godwit::events {
namespace {

// Fields behind the fixed part. on disk: do not change (docs/formats/events.md); 1 to 17 are the texts of event.h.
enum Tag : std::uint8_t { kSize = 64, kAttempt = 65, kNextAttempt = 66, kRecipientCount = 67, kRecipient = 68 };
constexpr std::size_t kFixed = 26;  // version, type, id, time, message

// Cut between characters, so that JSON stays JSON.
std::string_view cut(std::string_view text) {
  if (text.size() <= kLongestText) return text;
  text = text.substr(0, kLongestText);
  while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0u) == 0x80u) text.remove_suffix(1);
  if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xc0u) text.remove_suffix(1);
  return text;
}

void append_text(std::string& out, std::uint8_t tag, std::string_view text) {
  text = cut(text);
  const char head[3] = {static_cast<char>(tag), static_cast<char>(text.size() >> 8), static_cast<char>(text.size())};
  out.append(head, sizeof head);
  out.append(text);
}

void append_number(std::string& out, std::uint8_t tag, std::uint64_t number) {
  if (number == 0) return;
  out += static_cast<char>(tag);
  append_be16(out, 8);
  append_be64(out, number);
}

std::uint64_t milliseconds(WallTime time) { return static_cast<std::uint64_t>(time.time_since_epoch().count()); }
WallTime wall_time(std::uint64_t milliseconds) { return WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(milliseconds))); }

void put64(char* at, std::uint64_t value) {
  for (int i = 0; i < 8; ++i) at[i] = static_cast<char>(value >> (56 - 8 * i));
}
void put32(char* at, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) at[i] = static_cast<char>(value >> (24 - 8 * i));
}

std::uint32_t checksum(std::uint32_t segment, std::uint32_t offset, std::string_view payload) {
  char place[8];
  put32(place, segment);
  put32(place + 4, offset);
  return crc32c(payload, crc32c({place, sizeof place}));
}

void read_field(Event& event, std::uint8_t tag, std::string_view value) {
  if (tag >= 1 && tag < kTexts) {
    event.texts[tag] = value;
  } else if (tag == kRecipient) {
    event.recipients.emplace_back(value);
  } else if (value.size() == 8) {
    const std::uint64_t number = read_be64(value);
    if (tag == kSize) event.size = number;
    if (tag == kAttempt) event.attempt = number;
    if (tag == kNextAttempt) event.next_attempt = wall_time(number);
    if (tag == kRecipientCount) event.recipient_count = number;
  }
}

}  // namespace

void append_record(std::string& out, const Draft& draft) {
  const std::size_t begin = out.size();
  out += kRecordMagic;
  out.append(kRecordHeader - kRecordMagic.size(), '\0');
  out += static_cast<char>(kRecordVersion);
  out += static_cast<char>(draft.type);
  out.append(16, '\0');
  append_be64(out, draft.message.value);
  for (std::size_t i = 1; i < kTexts; ++i)
    if (!draft.texts[i].empty()) append_text(out, static_cast<std::uint8_t>(i), draft.texts[i]);
  append_number(out, kSize, draft.size);
  append_number(out, kAttempt, draft.attempt);
  append_number(out, kNextAttempt, milliseconds(draft.next_attempt));
  append_number(out, kRecipientCount, draft.recipient_count);
  std::size_t named = 0;
  for (const std::string& recipient : draft.recipients) {
    const std::size_t length = out.size() - begin - kRecordHeader;
    if (++named > kMostRecipients || length + recipient.size() + 3 > kLongestPayload) break;
    append_text(out, kRecipient, recipient);
  }
  const std::size_t length = out.size() - begin - kRecordHeader;
  put32(out.data() + begin + 4, static_cast<std::uint32_t>(length));
  out.append((kRecordAlign - out.size() % kRecordAlign) % kRecordAlign, '\0');
}

void seal(char* record, std::size_t length, std::uint32_t segment, std::uint32_t offset, MessageId id, WallTime time) {
  const std::size_t payload = read_be32(std::string_view(record + 4, 4));
  GODWIT_CHECK(kRecordHeader + payload <= length && payload >= kFixed);
  put64(record + kRecordHeader + 2, id.value);
  put64(record + kRecordHeader + 10, milliseconds(time));
  put32(record + 8, checksum(segment, offset, {record + kRecordHeader, payload}));
}

std::optional<Framed> framed_record(std::string_view bytes, std::uint32_t segment, std::uint32_t offset) {
  if (bytes.size() < kRecordHeader + kFixed || !bytes.starts_with(kRecordMagic)) return std::nullopt;
  const std::size_t length = read_be32(bytes.substr(4));
  if (length < kFixed || length > kLongestPayload || length > bytes.size() - kRecordHeader) return std::nullopt;
  const std::string_view payload = bytes.substr(kRecordHeader, length);
  if (checksum(segment, offset, payload) != read_be32(bytes.substr(8))) return std::nullopt;
  return Framed{payload, (kRecordHeader + length + kRecordAlign - 1) / kRecordAlign * kRecordAlign};
}

std::optional<Type> type_of(std::string_view payload) {
  if (payload.size() < kFixed || static_cast<std::uint8_t>(payload[0]) != kRecordVersion) return std::nullopt;
  return static_cast<Type>(payload[1]);
}

Result<Event> parse_payload(std::string_view payload) {
  const auto corrupt = [] { return fail(Error::permanent(Error::Cause::corrupt, "an event record that ends too early")); };
  if (payload.size() < kFixed) return corrupt();
  const auto version = static_cast<std::uint8_t>(payload[0]);
  if (version != kRecordVersion)
    return fail(Error::permanent(Error::Cause::unsupported, "an event record of version " + std::to_string(version)));
  Event event;
  event.type = static_cast<Type>(payload[1]);
  event.id.value = read_be64(payload.substr(2));
  event.time = wall_time(read_be64(payload.substr(10)));
  event.message.value = read_be64(payload.substr(18));
  std::string_view rest = payload.substr(kFixed);
  while (!rest.empty()) {
    if (rest.size() < 3) return corrupt();
    const std::size_t length = read_be16(rest.substr(1));
    if (rest.size() - 3 < length) return corrupt();
    read_field(event, static_cast<std::uint8_t>(rest[0]), rest.substr(3, length));
    rest.remove_prefix(3 + length);
  }
  return event;
}

}  // namespace godwit::events
