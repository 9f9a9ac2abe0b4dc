// A reader of arbitrary bytes: never crashes, never accepts a record whose check sum is wrong.
#include <algorithm>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/encoding.h"
#include "edge/store/segment_format.h"

using namespace godwit;
using namespace godwit::store;

namespace {

constexpr std::uint32_t kBytes = 64 * 1024;
constexpr SegmentHead kHead{7, 0xfeedbeef, kBytes};

void check(const IndexEntry& entry, std::string_view file) {
  const auto header = parse_header(file.substr(entry.offset), kHead, entry.offset);
  GODWIT_CHECK(header.has_value());
  GODWIT_CHECK(entry.offset + record_bytes(entry.length) <= kBytes);
  GODWIT_CHECK(crc32c(file.substr(entry.offset, 52), kHead.salt) == read_be32(file.substr(entry.offset + 52)));
  GODWIT_CHECK(crc32c(file.substr(entry.offset + kRecordHeaderBytes, entry.length)) == header->payload_crc);
}

// Makes a run of records out of the input, so that the fuzzer also gets behind the check sums: a byte says what to do.
std::string build(std::string_view input) {
  std::string file(kBytes, '\0');
  std::uint32_t at = kFirstRecord;
  while (input.size() >= 3) {
    const auto what = static_cast<unsigned char>(input[0]);
    const std::size_t length = std::min<std::size_t>(static_cast<unsigned char>(input[1]) * 4u, input.size() - 2);
    const std::string_view payload = input.substr(2, length);
    input.remove_prefix(2 + length);
    if (at + record_bytes(length) > kBytes - kSegmentTail) break;
    RecordHeader header;
    header.type = static_cast<RecordType>(what % 8);
    header.length = static_cast<std::uint32_t>(length);
    header.at = {kHead.number, at};
    header.blob = {1024, kHead.number, at};
    header.payload_crc = crc32c(payload);
    std::string bytes;
    append_header(bytes, header, kHead.salt);
    bytes += payload;
    if (what >= 128 && !bytes.empty()) bytes[what % bytes.size()] = static_cast<char>(bytes[what % bytes.size()] ^ 16);
    file.replace(at, bytes.size(), bytes);
    at += static_cast<std::uint32_t>(record_bytes(length));
  }
  return file;
}

void scan(std::string_view file) {
  const SegmentScan found = scan_segment(file, kHead);
  std::uint64_t last = 0;
  for (const IndexEntry& entry : found.records) {
    GODWIT_CHECK(entry.offset >= last);
    last = entry.offset + record_bytes(entry.length);
    check(entry, file);
    if (entry.type != RecordType::list) continue;
    const auto list = parse_list(file.substr(entry.offset + kRecordHeaderBytes, entry.length));
    if (list) GODWIT_CHECK(encode_list(*list) == file.substr(entry.offset + kRecordHeaderBytes, entry.length));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto head = parse_head(input)) scan_segment(input, *head);
  parse_header(input, kHead, kFirstRecord);
  parse_seal(input, kHead);
  if (const auto list = parse_list(input)) GODWIT_CHECK(encode_list(*list) == input);
  if (const auto index = parse_index(input)) GODWIT_CHECK(encode_index(*index) == input);
  std::string raw(kFirstRecord, '\0');
  raw += input;
  scan(raw);
  scan(build(input));
  return 0;
}
