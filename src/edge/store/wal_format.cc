#include "edge/store/wal_format.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/bytes.h"
#include "base/encoding.h"

namespace godwit::store {
namespace {

// on disk: do not change (RocksDB's log format).
enum : unsigned { kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4, kRecyclable = 4 };
constexpr std::size_t kHeader = 7;
constexpr std::size_t kRecyclableHeader = 11;
// on disk: do not change (RocksDB's WriteBatch).
constexpr std::size_t kBatchHeader = 12;
constexpr char kLogDataTag = 0x3;
// on disk: do not change (docs/formats/rows.md).
constexpr std::string_view kMarkMagic = "GWS1";
constexpr std::size_t kMarkSize = 28;

std::uint64_t read_le(std::string_view bytes, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << 8 * i;
  return value;
}

std::uint32_t mask(std::uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8u; }

bool starts(unsigned type) { return type == kFull || type == kFirst; }
bool ends(unsigned type) { return type == kFull || type == kLast; }

}  // namespace

WalReader::WalReader(std::unique_ptr<File> file, std::uint64_t size, std::uint32_t number)
    : file_(std::move(file)), size_(size), number_(number) {}

Result<WalReader> WalReader::open(Disk& disk, const std::string& path, std::uint32_t number) {
  GODWIT_ASSIGN(auto file, disk.open(path, Disk::Open::read));
  GODWIT_ASSIGN(const std::uint64_t size, file->size());
  WalReader reader(std::move(file), size, number);
  GODWIT_TRY(reader.find_zeroes());
  return reader;
}

Result<void> WalReader::find_zeroes() {
  for (std::uint64_t end = size_; end > 0;) {
    const std::uint64_t begin = (end - 1) / kWalBlock * kWalBlock;
    GODWIT_ASSIGN(const std::string_view block, block_at(begin));
    const std::size_t last = block.find_last_not_of('\0');
    if (last != std::string_view::npos) {
      zeroes_from_ = begin + last + 1;
      return {};
    }
    end = begin;
  }
  return {};
}

Result<std::string_view> WalReader::block_at(std::uint64_t at) {
  const std::uint64_t begin = at / kWalBlock * kWalBlock;
  if (begin != block_begin_) {
    block_.resize(std::min<std::uint64_t>(kWalBlock, size_ - begin));
    GODWIT_ASSIGN(const std::size_t got, file_->read_at(begin, std::span(block_.data(), block_.size())));
    block_.resize(got);
    block_begin_ = begin;
  }
  const std::size_t offset = at - begin;
  return std::string_view(block_).substr(std::min(offset, block_.size()));
}

WalReader::Physical WalReader::parse(std::string_view rest, std::uint64_t at) const {
  const auto bad = [](const char* what) { return Physical{Physical::Kind::bad, 0, {}, 0, what}; };
  if (rest.size() < kHeader) return bad("the file ends within a record");
  const std::size_t length = read_le(rest.substr(4), 2);
  unsigned type = static_cast<unsigned char>(rest[6]);
  const bool recyclable = type > kLast && type <= kLast + kRecyclable;
  const std::size_t header = recyclable ? kRecyclableHeader : kHeader;
  if (type == 0) return bad("zeroes in place of a record");
  if (type > kLast + kRecyclable) return bad("a record of unknown type");
  if (rest.size() < header + length) return bad("a record that is longer than its block");
  const std::string_view checked = rest.substr(6, header - 6 + length);
  if (mask(crc32c(checked)) != read_le(rest, 4)) return bad("a record whose check sum is wrong");
  if (recyclable && read_le(rest.substr(7), 4) != number_) return bad("a record of the file's earlier life");
  if (recyclable) type -= kRecyclable;
  return {Physical::Kind::good, type, rest.substr(header, length), at + header + length, ""};
}

Result<WalReader::Physical> WalReader::physical_at(std::uint64_t at) {
  const std::uint64_t left_in_block = kWalBlock - at % kWalBlock;
  if (left_in_block < kHeader) at = std::min(at + left_in_block, size_);  // the block's trailer
  if (at >= zeroes_from_) return Physical{};
  GODWIT_ASSIGN(const std::string_view rest, block_at(at));
  return parse(rest, at);
}

Result<std::uint64_t> WalReader::next_good(std::uint64_t from) {
  for (std::uint64_t at = from; at < size_;) {
    GODWIT_ASSIGN(const std::string_view rest, block_at(at));
    for (std::size_t i = 0; i + kHeader <= rest.size(); ++i) {
      if (parse(rest.substr(i), at + i).kind == Physical::Kind::good) return at + i;
    }
    at = (at / kWalBlock + 1) * kWalBlock;
  }
  return size_;
}

void WalReader::note_damage(std::uint64_t begin, const char* what) {
  if (in_record_) begin = record_.begin;
  in_record_ = false;
  if (!damage_) damage_ = WalPiece{WalPiece::Kind::damage, begin, begin, {}, what};
}

WalPiece WalReader::take_damage(std::uint64_t end) {
  WalPiece damage = *std::exchange(damage_, std::nullopt);
  damage.end = end;
  return damage;
}

Result<std::optional<WalPiece>> WalReader::next() {
  for (;;) {
    GODWIT_ASSIGN(const Physical physical, physical_at(at_));
    if (physical.kind == Physical::Kind::end) {
      if (in_record_) note_damage(record_.begin, "the file ends within a record");
      if (damage_) return take_damage(size_);
      return std::nullopt;
    }
    if (physical.kind == Physical::Kind::bad) {
      note_damage(at_, physical.what);
      GODWIT_ASSIGN(at_, next_good(at_ + 1));
      continue;
    }
    if (starts(physical.type) == in_record_) note_damage(in_record_ ? record_.begin : at_, "a record without its beginning or its end");
    if (starts(physical.type)) {
      if (damage_) return take_damage(at_);
      record_ = {WalPiece::Kind::record, at_, 0, std::string(physical.payload), {}};
      in_record_ = true;
    } else if (in_record_) {
      record_.payload += physical.payload;
    }
    at_ = physical.end;
    if (!in_record_ || !ends(physical.type)) continue;
    in_record_ = false;
    record_.end = at_;
    return std::move(record_);
  }
}

void WalWriter::physical(unsigned type, std::string_view payload) {
  std::string checked(1, static_cast<char>(type));
  checked += payload;
  const std::uint32_t crc = mask(crc32c(checked));
  for (unsigned i = 0; i < 4; ++i) out_ += static_cast<char>(crc >> 8 * i);
  for (unsigned i = 0; i < 2; ++i) out_ += static_cast<char>(payload.size() >> 8 * i);
  out_ += checked;
  in_block_ += kHeader + payload.size();
}

void WalWriter::add(std::string_view payload) {
  bool first = true;
  do {
    if (kWalBlock - in_block_ < kHeader) {
      out_.append(kWalBlock - in_block_, '\0');
      in_block_ = 0;
    }
    const std::string_view piece = payload.substr(0, kWalBlock - in_block_ - kHeader);
    payload.remove_prefix(piece.size());
    const bool last = payload.empty();
    physical(first && last ? kFull : first ? kFirst : last ? kLast : kMiddle, piece);
    if (in_block_ == kWalBlock) in_block_ = 0;
    first = false;
  } while (!payload.empty());
}

std::string WalMark::encode() const {
  std::string out(kMarkMagic);
  append_be64(out, log);
  append_be64(out, offset);
  append_be64(out, sequence);
  return out;
}

std::optional<WalMark> mark_of(std::string_view payload) {
  if (payload.size() < kBatchHeader + 2 + kMarkSize) return std::nullopt;
  payload.remove_prefix(kBatchHeader);
  if (payload[0] != kLogDataTag || payload[1] != static_cast<char>(kMarkSize)) return std::nullopt;
  payload.remove_prefix(2);
  if (!payload.starts_with(kMarkMagic)) return std::nullopt;
  return WalMark{read_be64(payload.substr(4)), read_be64(payload.substr(12)), read_be64(payload.substr(20))};
}

std::optional<WalSpan> span_of(std::string_view payload) {
  if (payload.size() < kBatchHeader) return std::nullopt;
  return WalSpan{read_le(payload, 8), static_cast<std::uint32_t>(read_le(payload.substr(8), 4))};
}

}  // namespace godwit::store
