#include "edge/store/segment_format.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "base/encoding.h"

namespace godwit::store {
namespace {

// on disk: do not change (docs/formats/segments.md)
constexpr std::string_view kHeadMagic = "GODWITsg";
constexpr std::uint16_t kRecordMagic = 0x4757;
constexpr std::size_t kHeaderCrc = 52;  // offset of the header's own check sum
constexpr std::size_t kSpanBytes = 12;
constexpr std::size_t kSealFixedBytes = 11;

Error corrupt(std::string text) { return Error::permanent(Error::Cause::corrupt, std::move(text)); }

class Out {
 public:
  explicit Out(char* at) : at_(at) {}
  void u8(std::uint8_t value) { *at_++ = static_cast<char>(value); }
  void u16(std::uint16_t value) { put(value, 2); }
  void u32(std::uint32_t value) { put(value, 4); }
  void u64(std::uint64_t value) { put(value, 8); }
  void location(Location value) {
    u32(value.segment);
    u32(value.offset);
  }
  void blob(const BlobId& value) {
    u32(value.partition);
    u32(value.segment);
    u32(value.offset);
  }

 private:
  void put(std::uint64_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) *at_++ = static_cast<char>(value >> 8 * i & 0xff);
  }
  char* at_;
};

class In {
 public:
  explicit In(std::string_view bytes) : bytes_(bytes) {}
  std::uint8_t u8() { return static_cast<std::uint8_t>(take(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(take(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(take(4)); }
  std::uint64_t u64() { return take(8); }
  Location location() {
    const std::uint32_t segment = u32();
    return {segment, u32()};
  }
  BlobId blob() {
    const Partition partition = u32();
    const std::uint32_t segment = u32();
    return {partition, segment, u32()};
  }

 private:
  std::uint64_t take(std::size_t count) {  // callers have checked the length
    GODWIT_CHECK(count <= bytes_.size());
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < count; ++i) value = value << 8 | static_cast<unsigned char>(bytes_[i]);
    bytes_.remove_prefix(count);
    return value;
  }
  std::string_view bytes_;
};

std::uint32_t load_be32(const char* at) {
  std::uint32_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return __builtin_bswap32(value);
}

bool known_type(std::uint8_t type) { return type >= 1 && type <= static_cast<std::uint8_t>(RecordType::seal); }
bool is_indexed(RecordType type) { return type == RecordType::whole || type == RecordType::chunk || type == RecordType::list; }

}  // namespace

std::string encode_head(const SegmentHead& head) {
  std::string out(kSegmentHeadBytes, '\0');
  kHeadMagic.copy(out.data(), kHeadMagic.size());
  Out at(out.data() + kHeadMagic.size());
  at.u32(kSegmentVersion);
  at.u32(head.number);
  at.u32(head.salt);
  at.u32(head.bytes);
  at.u64(0);
  at.u32(crc32c(std::string_view(out).substr(0, kSegmentHeadBytes - 4)));
  return out;
}

std::optional<SegmentHead> parse_head(std::string_view bytes) {
  if (bytes.size() < kSegmentHeadBytes || !bytes.starts_with(kHeadMagic)) return std::nullopt;
  const std::uint32_t crc = crc32c(bytes.substr(0, kSegmentHeadBytes - 4));
  if (read_be32(bytes.substr(kSegmentHeadBytes - 4)) != crc) return std::nullopt;
  In in(bytes.substr(kHeadMagic.size()));
  if (in.u32() != kSegmentVersion) return std::nullopt;
  SegmentHead head;
  head.number = in.u32();
  head.salt = in.u32();
  head.bytes = in.u32();
  if (head.number == 0 || head.bytes < kFirstRecord + kSegmentTail) return std::nullopt;
  return head;
}

void write_header(std::span<char> into, const RecordHeader& header, std::uint32_t salt) {
  GODWIT_CHECK(into.size() >= kRecordHeaderBytes);
  Out out(into.data());
  out.u16(kRecordMagic);
  out.u8(static_cast<std::uint8_t>(header.type));
  out.u8(0);
  out.u32(header.length);
  out.location(header.at);
  out.blob(header.blob);
  out.u64(header.owner);
  out.location(header.body);
  out.u32(header.ordinal);
  out.u32(header.payload_crc);
  out.u32(crc32c({into.data(), kHeaderCrc}, salt));
}

void append_header(std::string& out, const RecordHeader& header, std::uint32_t salt) {
  const std::size_t begin = out.size();
  out.resize(begin + kRecordHeaderBytes);
  write_header(std::span(out).subspan(begin), header, salt);
}

std::optional<RecordHeader> parse_header(std::string_view bytes, const SegmentHead& head, std::uint32_t offset) {
  if (bytes.size() < kRecordHeaderBytes) return std::nullopt;
  if (load_be32(bytes.data() + 8) != head.number || load_be32(bytes.data() + 12) != offset) return std::nullopt;
  In in(bytes);
  if (in.u16() != kRecordMagic) return std::nullopt;
  if (load_be32(bytes.data() + kHeaderCrc) != crc32c(bytes.substr(0, kHeaderCrc), head.salt)) return std::nullopt;
  const std::uint8_t type = in.u8();
  if (!known_type(type) || in.u8() != 0) return std::nullopt;
  RecordHeader header;
  header.type = static_cast<RecordType>(type);
  header.length = in.u32();
  header.at = in.location();
  header.blob = in.blob();
  header.owner = in.u64();
  header.body = in.location();
  header.ordinal = in.u32();
  header.payload_crc = in.u32();
  if (offset + record_bytes(header.length) > head.bytes) return std::nullopt;
  return header;
}

bool payload_intact(const RecordHeader& header, std::string_view payload) {
  return payload.size() == header.length && crc32c(payload) == header.payload_crc;
}

std::string encode_list(const ChunkList& list) {
  std::string out(12 + list.chunks.size() * 12, '\0');
  Out at(out.data());
  at.u64(list.total);
  at.u32(static_cast<std::uint32_t>(list.chunks.size()));
  for (const ChunkRef& chunk : list.chunks) {
    at.location(chunk.at);
    at.u32(chunk.length);
  }
  return out;
}

Result<ChunkList> parse_list(std::string_view payload) {
  if (payload.size() < 12) return fail(corrupt("a chunk list is too short"));
  In in(payload);
  ChunkList list;
  list.total = in.u64();
  const std::uint32_t count = in.u32();
  if (payload.size() != 12 + std::uint64_t{count} * 12) return fail(corrupt("a chunk list has the wrong length"));
  list.chunks.reserve(count);
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    ChunkRef chunk;
    chunk.at = in.location();
    chunk.length = in.u32();
    if (chunk.at.segment == 0 || chunk.length == 0) return fail(corrupt("a chunk list names no place"));
    sum += chunk.length;
    list.chunks.push_back(chunk);
  }
  if (sum != list.total) return fail(corrupt("a chunk list does not add up"));
  return list;
}

IndexEntry index_entry(const RecordHeader& header) {
  return {header.type, header.at.offset, header.length, header.blob, header.owner, header.body};
}

std::string encode_index(std::span<const IndexEntry> index) {
  std::string out(index.size() * kIndexEntryBytes, '\0');
  Out at(out.data());
  for (const IndexEntry& entry : index) {
    at.u32(static_cast<std::uint32_t>(entry.type));
    at.u32(entry.offset);
    at.u32(entry.length);
    at.blob(entry.blob);
    at.u64(entry.owner);
    at.location(entry.body);
  }
  return out;
}

Result<std::vector<IndexEntry>> parse_index(std::string_view payload) {
  if (payload.size() % kIndexEntryBytes != 0) return fail(corrupt("a footer has the wrong length"));
  std::vector<IndexEntry> index;
  index.reserve(payload.size() / kIndexEntryBytes);
  In in(payload);
  for (std::size_t i = 0; i < payload.size() / kIndexEntryBytes; ++i) {
    IndexEntry entry;
    const std::uint32_t type = in.u32();
    if (type > 3 || !is_indexed(static_cast<RecordType>(type))) return fail(corrupt("a footer names an unknown kind of record"));
    entry.type = static_cast<RecordType>(type);
    entry.offset = in.u32();
    entry.length = in.u32();
    entry.blob = in.blob();
    entry.owner = in.u64();
    entry.body = in.location();
    index.push_back(entry);
  }
  return index;
}

std::string encode_tail(const SegmentHead& head, const std::optional<Seal>& seal) {
  std::string page(kSegmentTail, '\0');
  const std::string copy = encode_head(head);
  copy.copy(page.data() + kSegmentTail - kSecondHead, copy.size());
  if (!seal) return page;
  const std::size_t count = std::min(seal->spans.size(), kMostSpans);
  std::string payload(kSealFixedBytes + count * kSpanBytes, '\0');
  Out at(payload.data());
  at.u32(seal->end);
  at.u32(seal->footer);
  at.u8(seal->spans_complete && count == seal->spans.size() ? 1 : 0);
  at.u16(static_cast<std::uint16_t>(count));
  for (std::size_t i = 0; i < count; ++i) {
    at.location(seal->spans[i].body);
    at.u32(seal->spans[i].list);
  }
  RecordHeader header;
  header.type = RecordType::seal;
  header.length = static_cast<std::uint32_t>(payload.size());
  header.at = {head.number, head.bytes - kSegmentTail};
  header.payload_crc = crc32c(payload);
  write_header(page, header, head.salt);
  payload.copy(page.data() + kRecordHeaderBytes, payload.size());
  return page;
}

std::optional<Seal> parse_seal(std::string_view tail, const SegmentHead& head) {
  const auto header = parse_header(tail, head, head.bytes - kSegmentTail);
  if (!header || header->type != RecordType::seal || header->length < kSealFixedBytes) return std::nullopt;
  if (tail.size() < kRecordHeaderBytes + header->length) return std::nullopt;
  const std::string_view payload = tail.substr(kRecordHeaderBytes, header->length);
  if (!payload_intact(*header, payload)) return std::nullopt;
  In in(payload);
  Seal seal;
  seal.end = in.u32();
  seal.footer = in.u32();
  seal.spans_complete = in.u8() == 1;
  const std::uint16_t count = in.u16();
  if (payload.size() != kSealFixedBytes + count * kSpanBytes) return std::nullopt;
  if (seal.end > head.bytes || seal.footer > head.bytes) return std::nullopt;
  for (std::uint16_t i = 0; i < count; ++i) {
    const Location body = in.location();
    seal.spans.push_back({body, in.u32()});
  }
  return seal;
}

namespace {

// The next offset at which a header of this segment stands.
std::optional<std::uint32_t> find_header(std::string_view file, const SegmentHead& head, std::uint64_t from, std::uint64_t limit) {
  for (std::uint64_t at = (from + 7) / 8 * 8; at + kRecordHeaderBytes <= limit; at += 8) {
    if (load_be32(file.data() + at + 12) != at || load_be32(file.data() + at + 8) != head.number) continue;
    if (parse_header(file.substr(at), head, static_cast<std::uint32_t>(at))) return static_cast<std::uint32_t>(at);
  }
  return std::nullopt;
}

}  // namespace

SegmentScan scan_segment(std::string_view file, const SegmentHead& head, std::uint32_t begin) {
  SegmentScan scan;
  scan.end = begin;
  const std::uint64_t limit = std::min<std::uint64_t>(file.size(), head.bytes - kSegmentTail);
  std::uint64_t at = begin;
  std::uint64_t verified = begin;  // behind the last record or footer
  while (const auto found = find_header(file, head, at, limit)) {
    const auto header = parse_header(file.substr(*found), head, *found);
    if (*found > verified) {
      scan.damage.push_back({static_cast<std::uint32_t>(verified), static_cast<std::uint32_t>(*found - verified), std::nullopt});
    }
    at = verified = *found + record_bytes(header->length);
    if (header->type == RecordType::footer || header->type == RecordType::seal) continue;
    scan.end = static_cast<std::uint32_t>(std::min(verified, limit));
    const std::string_view payload = file.substr(*found + kRecordHeaderBytes, header->length);
    if (!payload_intact(*header, payload)) {
      scan.damage.push_back({*found, static_cast<std::uint32_t>(record_bytes(header->length)), header});
    } else if (header->type == RecordType::mark) {
      scan.highest_mark = std::max(scan.highest_mark, Location{header->blob.segment, header->blob.offset});
    } else {
      scan.records.push_back(index_entry(*header));
    }
  }
  return scan;
}

}  // namespace godwit::store
