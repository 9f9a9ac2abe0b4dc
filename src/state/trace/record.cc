#include "state/trace/record.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/encoding.h"

namespace godwit::trace {
namespace {

constexpr std::size_t kMostRecipients = 1'000;

void append_text(std::string& out, std::string_view text, std::size_t most) {
  text = text.substr(0, most);
  append_be16(out, static_cast<std::uint16_t>(text.size()));
  out += text;
}

// FNV-1a, 64 bits: a match is only a hint, the record itself decides.
std::uint64_t fnv(char kind, std::string_view bytes) {
  std::uint64_t hash = (0xcbf29ce484222325u ^ static_cast<unsigned char>(kind)) * 0x100000001b3u;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

std::uint32_t checksum(std::uint32_t segment, std::uint32_t offset, std::string_view payload) {
  std::string place;
  append_be32(place, segment);
  append_be32(place, offset);
  return crc32c(payload, crc32c(place));
}

// Takes values off the front; after the first shortage everything is empty and ok() is false.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : rest_(bytes) {}

  std::string_view take(std::size_t count) {
    if (count > rest_.size()) ok_ = false;
    if (!ok_) return {};
    const std::string_view out = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return out;
  }
  std::uint8_t number8() {
    const auto bytes = take(1);
    return ok_ ? static_cast<std::uint8_t>(bytes[0]) : std::uint8_t{0};
  }
  std::uint16_t number16() {
    const auto bytes = take(2);
    return ok_ ? read_be16(bytes) : std::uint16_t{0};
  }
  std::uint64_t number64() {
    const auto bytes = take(8);
    return ok_ ? read_be64(bytes) : 0;
  }
  std::string text() { return std::string(take(number16())); }
  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace

void append_event(std::string& out, WallTime time, std::string_view kind, std::string_view detail) {
  append_be64(out, static_cast<std::uint64_t>(time.time_since_epoch().count()));
  append_text(out, kind, 255);
  append_text(out, detail, kLongestDetail);
}

void append_keys(std::string& out, const Keys& keys) {
  append_text(out, keys.message_id, kLongestKey);
  append_text(out, keys.sender, kLongestKey);
  const std::size_t count = std::min(keys.recipients.size(), kMostRecipients);
  append_be16(out, static_cast<std::uint16_t>(count));
  for (std::size_t i = 0; i < count; ++i) append_text(out, keys.recipients[i], kLongestKey);
}

void append_record(std::string& out, std::uint32_t segment, std::uint32_t offset, MessageId id, std::string_view keys,
                   std::string_view events) {
  const std::size_t begin = out.size();
  out.append(kRecordHeader, '\0');
  out += static_cast<char>(kRecordVersion);
  append_be64(out, id.value);
  out += keys.empty() ? '\0' : '\1';
  out += keys;
  out += events;
  const std::string_view payload = std::string_view(out).substr(begin + kRecordHeader);
  std::string header;
  append_be32(header, static_cast<std::uint32_t>(payload.size()));
  append_be32(header, checksum(segment, offset, payload));
  out.replace(begin, kRecordHeader, header);
}

std::optional<std::string_view> verified_payload(std::string_view bytes, std::uint32_t segment, std::uint32_t offset) {
  if (bytes.size() < kRecordHeader) return std::nullopt;
  const std::uint32_t length = read_be32(bytes);
  if (length > kLongestPayload || length > bytes.size() - kRecordHeader) return std::nullopt;
  const std::string_view payload = bytes.substr(kRecordHeader, length);
  if (checksum(segment, offset, payload) != read_be32(bytes.substr(4))) return std::nullopt;
  return payload;
}

Result<Record> parse_record(std::string_view payload) {
  Cursor cursor(payload);
  const std::uint8_t version = cursor.number8();
  if (version != kRecordVersion)
    return fail(Error::permanent(Error::Cause::unsupported, "a trace record of version " + std::to_string(version)));
  Record record;
  record.id.value = cursor.number64();
  if (cursor.number8() != 0) {
    record.keys.message_id = cursor.text();
    record.keys.sender = cursor.text();
    for (std::size_t count = cursor.number16(); count > 0 && cursor.ok(); --count) record.keys.recipients.push_back(cursor.text());
  }
  while (cursor.ok() && !cursor.at_end()) {
    Event event;
    event.time = WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(cursor.number64())));
    event.kind = cursor.text();
    event.detail = cursor.text();
    record.events.push_back(std::move(event));
  }
  if (!cursor.ok()) return fail(Error::permanent(Error::Cause::corrupt, "a trace record that ends too early"));
  return record;
}

std::uint64_t hash_of_id(MessageId id) {
  std::string bytes;
  append_be64(bytes, id.value);
  return fnv('i', bytes);
}

std::uint64_t hash_of_message_id(std::string_view message_id) { return fnv('m', message_id.substr(0, kLongestKey)); }

std::uint64_t hash_of_address(std::string_view address) {
  std::uint64_t hash = fnv('a', {});
  for (const char c : address.substr(0, kLongestKey)) hash = (hash ^ static_cast<unsigned char>(ascii_lower(c))) * 0x100000001b3u;
  return hash;
}

std::vector<std::uint64_t> hashes_of(MessageId id, const Keys& keys) {
  std::vector<std::uint64_t> out;
  out.reserve(3 + std::min(keys.recipients.size(), kMostRecipients));
  out.push_back(hash_of_id(id));
  if (!keys.message_id.empty()) out.push_back(hash_of_message_id(keys.message_id));
  if (!keys.sender.empty()) out.push_back(hash_of_address(keys.sender));
  for (std::size_t i = 0; i < std::min(keys.recipients.size(), kMostRecipients); ++i) out.push_back(hash_of_address(keys.recipients[i]));
  std::ranges::sort(out);
  out.erase(std::ranges::unique(out).begin(), out.end());
  return out;
}

}  // namespace godwit::trace
