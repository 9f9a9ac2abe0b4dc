#pragma once
// What is in a segment file: the head of the file, record headers, chunk lists, footers and seals, as bytes and as values.
// docs/formats/segments.md describes them. Pure functions over bytes that a crash or a bad disk may have damaged: nothing
// here trusts a length or an offset that no check sum vouches for.

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "edge/store/blobs.h"

namespace godwit::store {

// on disk: do not change (docs/formats/segments.md)
inline constexpr std::uint32_t kSegmentVersion = 1;
inline constexpr std::size_t kSegmentHeadBytes = 36;
inline constexpr std::size_t kRecordHeaderBytes = 56;
inline constexpr std::size_t kIndexEntryBytes = 40;
inline constexpr std::uint32_t kFirstRecord = 4096;  // offset of the first record
inline constexpr std::uint32_t kSegmentTail = 4096;  // the last page: seal, and the second copy of the head
inline constexpr std::uint32_t kSecondHead = 64;     // that copy lies so far before the end
inline constexpr std::size_t kMostSpans = 300;       // what a seal has room for

// Where a record lies. Segments count from 1, so {0, 0} is nowhere.
struct Location {
  std::uint32_t segment = 0;
  std::uint32_t offset = 0;
  auto operator<=>(const Location&) const = default;
};

enum class RecordType : std::uint8_t {
  whole = 1,   // a body of one record
  chunk = 2,   // a piece of a longer one
  list = 3,    // where its pieces lie; what the blob id names
  mark = 4,    // everything before `blob` (as a location) was synced when this was written
  footer = 5,  // index of the segment's records
  seal = 6,    // in the last page: where the footer is
};

struct RecordHeader {
  RecordType type = RecordType::whole;
  std::uint32_t length = 0;  // of the payload
  Location at;               // where the record itself lies
  BlobId blob;               // whole, list: the blob's name (a copy made by compaction keeps the first one's); chunk: partition alone
  std::uint64_t owner = 0;
  Location body;                  // chunk, list: where the first chunk of the body lies; joins chunks to their list
  std::uint32_t ordinal = 0;      // chunk: 0, 1, 2 ...
  std::uint32_t payload_crc = 0;  // CRC-32C
};

// What the file holds: number and salt. The salt is the seed of every header's check sum in this file, unknown to whoever
// sends mail, so that no body can hold a record that a recovery would take for ours.
struct SegmentHead {
  std::uint32_t number = 0;
  std::uint32_t salt = 0;
  std::uint32_t bytes = 0;  // size of the file
};

struct IndexEntry {
  RecordType type = RecordType::whole;
  std::uint32_t offset = 0;
  std::uint32_t length = 0;
  BlobId blob;
  std::uint64_t owner = 0;
  Location body;
};

struct ChunkRef {
  Location at;
  std::uint32_t length = 0;
};
struct ChunkList {
  std::uint64_t total = 0;
  std::vector<ChunkRef> chunks;
};

// A list in this segment whose chunks began in an earlier one.
struct Span {
  Location body;
  std::uint32_t list = 0;  // offset of the list
};
struct Seal {
  std::uint32_t end = 0;     // behind the last record
  std::uint32_t footer = 0;  // offset of the footer
  std::vector<Span> spans;   // complete only if spans_complete
  bool spans_complete = true;
};

// Bytes that a record of so much payload takes: records begin at multiples of 8.
constexpr std::uint64_t record_bytes(std::uint64_t payload) { return (kRecordHeaderBytes + payload + 7) / 8 * 8; }

std::string encode_head(const SegmentHead& head);
std::optional<SegmentHead> parse_head(std::string_view bytes);

// Appends the 56 bytes to `out`. The payload's check sum is in the header, the header's own is seeded with the salt.
void append_header(std::string& out, const RecordHeader& header, std::uint32_t salt);
void write_header(std::span<char> into, const RecordHeader& header, std::uint32_t salt);  // into.size() >= 56
// Nothing unless it is a header of this segment at exactly this offset with the right check sum.
std::optional<RecordHeader> parse_header(std::string_view bytes, const SegmentHead& head, std::uint32_t offset);
bool payload_intact(const RecordHeader& header, std::string_view payload);

std::string encode_list(const ChunkList& list);
Result<ChunkList> parse_list(std::string_view payload);
std::string encode_index(std::span<const IndexEntry> index);
Result<std::vector<IndexEntry>> parse_index(std::string_view payload);
// The whole last page of the file, second copy of the head included; `seal` nothing = not sealed.
std::string encode_tail(const SegmentHead& head, const std::optional<Seal>& seal);
std::optional<Seal> parse_seal(std::string_view tail, const SegmentHead& head);

IndexEntry index_entry(const RecordHeader& header);

// Everything that can be read of a segment from `begin` on, past damage. `file` is the whole file (or as much as there is).
struct SegmentScan {
  struct Damage {
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
    std::optional<RecordHeader> header;  // when only the payload is damaged
  };
  std::vector<IndexEntry> records;  // intact whole, chunk and list records, in order
  std::vector<Damage> damage;       // between records; what follows the last record is not judged here
  Location highest_mark;            // greatest location that a mark vouches for
  std::uint32_t end = 0;            // behind the last record (footers do not count)
};
SegmentScan scan_segment(std::string_view file, const SegmentHead& head, std::uint32_t begin = kFirstRecord);

}  // namespace godwit::store
