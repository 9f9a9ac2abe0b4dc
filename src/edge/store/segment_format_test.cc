#include "edge/store/segment_format.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace godwit::store {
namespace {

constexpr SegmentHead kHead{7, 0xfeedbeef, 64 * 1024};

RecordHeader sample_header() {
  RecordHeader header;
  header.type = RecordType::chunk;
  header.length = 100;
  header.at = {7, 4096};
  header.blob = {1030, 3, 9000};
  header.owner = 0x0123456789abcdef;
  header.body = {6, 5000};
  header.ordinal = 12;
  header.payload_crc = 0xcafe;
  return header;
}

std::string record(const SegmentHead& head, std::uint32_t offset, RecordType type, const std::string& payload, BlobId blob = {}) {
  RecordHeader header;
  header.type = type;
  header.length = static_cast<std::uint32_t>(payload.size());
  header.at = {head.number, offset};
  header.blob = blob.valid() ? blob : BlobId{1024, head.number, offset};
  header.payload_crc = crc32c(payload);
  std::string out;
  append_header(out, header, head.salt);
  out += payload;
  out.resize(record_bytes(payload.size()), '\0');
  return out;
}

TEST(SegmentFormat, Header_EncodedAndParsed_IsTheSame) {
  std::string bytes;
  append_header(bytes, sample_header(), kHead.salt);
  ASSERT_EQ(bytes.size(), kRecordHeaderBytes);
  const auto parsed = parse_header(bytes, kHead, 4096);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->type, RecordType::chunk);
  EXPECT_EQ(parsed->length, 100u);
  EXPECT_EQ(parsed->at, (Location{7, 4096}));
  EXPECT_EQ(parsed->blob, (BlobId{1030, 3, 9000}));
  EXPECT_EQ(parsed->owner, 0x0123456789abcdefu);
  EXPECT_EQ(parsed->body, (Location{6, 5000}));
  EXPECT_EQ(parsed->ordinal, 12u);
  EXPECT_EQ(parsed->payload_crc, 0xcafeu);
}

TEST(SegmentFormat, Header_EveryFlippedBit_IsRefused) {
  std::string bytes;
  append_header(bytes, sample_header(), kHead.salt);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string bad = bytes;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(parse_header(bad, kHead, 4096)) << bit;
  }
}

TEST(SegmentFormat, Header_OfAnotherSegmentOffsetOrSalt_IsRefused) {
  std::string bytes;
  append_header(bytes, sample_header(), kHead.salt);
  EXPECT_FALSE(parse_header(bytes, kHead, 4104));
  EXPECT_FALSE(parse_header(bytes, SegmentHead{8, kHead.salt, kHead.bytes}, 4096));
  EXPECT_FALSE(parse_header(bytes, SegmentHead{7, 1, kHead.bytes}, 4096));
  EXPECT_FALSE(parse_header(bytes.substr(0, 55), kHead, 4096));
}

TEST(SegmentFormat, Header_LongerThanTheFile_IsRefused) {
  RecordHeader header = sample_header();
  header.length = kHead.bytes;
  std::string bytes;
  append_header(bytes, header, kHead.salt);
  EXPECT_FALSE(parse_header(bytes, kHead, 4096));
}

TEST(SegmentFormat, Head_EncodedAndParsed_IsTheSame) {
  const auto head = parse_head(encode_head(kHead));
  ASSERT_TRUE(head);
  EXPECT_EQ(head->number, 7u);
  EXPECT_EQ(head->salt, 0xfeedbeefu);
  EXPECT_EQ(head->bytes, 64u * 1024);
  std::string bad = encode_head(kHead);
  bad[13] ^= 1;
  EXPECT_FALSE(parse_head(bad));
  EXPECT_FALSE(parse_head(""));
}

TEST(SegmentFormat, List_EncodedAndParsed_IsTheSame) {
  ChunkList list;
  list.total = 300;
  list.chunks = {{{1, 4096}, 200}, {{2, 4096}, 100}};
  const auto parsed = parse_list(encode_list(list));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->total, 300u);
  ASSERT_EQ(parsed->chunks.size(), 2u);
  EXPECT_EQ(parsed->chunks[1].at, (Location{2, 4096}));
  list.total = 301;
  EXPECT_FALSE(parse_list(encode_list(list)));
  EXPECT_FALSE(parse_list("short"));
}

TEST(SegmentFormat, Index_EncodedAndParsed_IsTheSame) {
  const std::vector<IndexEntry> index{{RecordType::whole, 4096, 5, {1024, 7, 4096}, 99, {}},
                                      {RecordType::list, 5000, 24, {1024, 7, 5000}, 98, {6, 4096}}};
  const auto parsed = parse_index(encode_index(index));
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->size(), 2u);
  EXPECT_EQ((*parsed)[1].body, (Location{6, 4096}));
  EXPECT_EQ((*parsed)[0].owner, 99u);
  EXPECT_FALSE(parse_index("x"));
  EXPECT_FALSE(parse_index(std::string(kIndexEntryBytes, '\7')));
}

TEST(SegmentFormat, Seal_WithMoreSpansThanFit_SaysSo) {
  Seal seal{5000, 5000, {}, true};
  for (std::uint32_t i = 0; i < kMostSpans; ++i) seal.spans.push_back({{6, 4096 + i * 8}, 5000});
  const auto fits = parse_seal(encode_tail(kHead, seal), kHead);
  ASSERT_TRUE(fits);
  EXPECT_TRUE(fits->spans_complete);
  EXPECT_EQ(fits->spans.size(), kMostSpans);
  seal.spans.push_back({{6, 4096}, 5000});
  const auto too_many = parse_seal(encode_tail(kHead, seal), kHead);
  ASSERT_TRUE(too_many);
  EXPECT_FALSE(too_many->spans_complete);
  EXPECT_FALSE(parse_seal(encode_tail(kHead, std::nullopt), kHead));
  const auto head = parse_head(std::string_view(encode_tail(kHead, seal)).substr(kSegmentTail - kSecondHead));
  ASSERT_TRUE(head);
  EXPECT_EQ(head->number, 7u);
}

TEST(SegmentFormat, Scan_DamagedPayload_CostsThatRecordAlone) {
  std::string file(kHead.bytes, '\0');
  std::vector<std::uint32_t> offsets;
  std::uint32_t at = kFirstRecord;
  for (int i = 0; i < 5; ++i) {
    const std::string bytes = record(kHead, at, RecordType::whole, std::string(100 + static_cast<std::size_t>(i), 'x'));
    file.replace(at, bytes.size(), bytes);
    offsets.push_back(at);
    at += static_cast<std::uint32_t>(bytes.size());
  }
  EXPECT_EQ(scan_segment(file, kHead).records.size(), 5u);
  EXPECT_EQ(scan_segment(file, kHead).end, at);
  file[offsets[2] + kRecordHeaderBytes + 50] ^= 4;  // a payload
  file[offsets[3] + 20] ^= 4;                       // a header
  const SegmentScan scan = scan_segment(file, kHead);
  ASSERT_EQ(scan.records.size(), 3u);
  EXPECT_EQ(scan.records[2].offset, offsets[4]);
  ASSERT_EQ(scan.damage.size(), 2u);
  ASSERT_TRUE(scan.damage[0].header);
  EXPECT_EQ(scan.damage[0].header->blob.offset, offsets[2]);
  EXPECT_FALSE(scan.damage[1].header);
  EXPECT_EQ(scan.damage[1].offset, offsets[3]);
  EXPECT_EQ(scan.damage[1].length, offsets[4] - offsets[3]);
}

TEST(SegmentFormat, Scan_RecordOfThePreviousUseOfTheFile_IsNotSeen) {
  std::string file(kHead.bytes, '\0');
  const SegmentHead before{3, 0x1111, kHead.bytes};
  const std::string old = record(before, 8192, RecordType::whole, "yesterday's mail");
  const std::string now = record(kHead, kFirstRecord, RecordType::whole, "today's mail");
  file.replace(8192, old.size(), old);
  file.replace(kFirstRecord, now.size(), now);
  const SegmentScan scan = scan_segment(file, kHead);
  ASSERT_EQ(scan.records.size(), 1u);
  EXPECT_TRUE(scan.damage.empty());
}

TEST(SegmentFormat, Scan_RecordForgedInsideABody_IsNotSeen) {
  // Whoever sends mail may guess number and offset, not the salt.
  std::string file(kHead.bytes, '\0');
  const std::uint32_t inner = kFirstRecord + kRecordHeaderBytes + 8;
  const std::string forged = record(SegmentHead{kHead.number, 0, kHead.bytes}, inner, RecordType::mark, "", BlobId{0, 900, 1});
  const std::string outer = record(kHead, kFirstRecord, RecordType::whole, std::string(8, ' ') + forged);
  file.replace(kFirstRecord, outer.size(), outer);
  file[kFirstRecord + 20] ^= 1;  // the real header is damaged, so the scan looks inside
  const SegmentScan scan = scan_segment(file, kHead);
  EXPECT_TRUE(scan.records.empty());
  EXPECT_EQ(scan.highest_mark, Location{});
}

}  // namespace
}  // namespace godwit::store
