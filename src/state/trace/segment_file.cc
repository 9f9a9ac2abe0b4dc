#include "state/trace/segment_file.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/encoding.h"

namespace godwit::trace {
namespace {

// on disk: do not change (docs/formats/trace.md)
constexpr std::string_view kMagic = "GWTRACE1";
constexpr std::string_view kIndexMagic = "GWTRIDX1";
constexpr std::size_t kFileHeader = 16;  // magic, segment number, zero
constexpr std::size_t kEntry = 12;       // hash, offset
constexpr std::size_t kTrailer = 36;     // index offset, entries, CRC of the entries, newest event, CRC of the trailer so far, magic

std::string file_header(std::uint32_t number) {
  std::string out(kMagic);
  append_be32(out, number);
  append_be32(out, 0);
  return out;
}

Error corrupt(const std::string& path, std::string_view what) {
  return Error::permanent(Error::Cause::corrupt, path + ": " + std::string(what));
}

Result<std::string> read_exactly(store::File& file, std::uint64_t offset, std::size_t length) {
  std::string bytes(length, '\0');
  GODWIT_ASSIGN(const std::size_t count, file.read_at(offset, bytes));
  bytes.resize(count);
  return bytes;
}

}  // namespace

Result<std::unique_ptr<SegmentFile>> SegmentFile::create(store::Disk& disk, std::string path, std::uint32_t number) {
  std::unique_ptr<SegmentFile> segment(new SegmentFile(disk, std::move(path), number));
  GODWIT_ASSIGN(segment->file_, disk.open(segment->path_, store::Disk::Open::create_new));
  GODWIT_TRY(segment->file_->write_at(0, file_header(number)));
  segment->bytes_ = kFileHeader;
  return segment;
}

Result<std::unique_ptr<SegmentFile>> SegmentFile::open(store::Disk& disk, std::string path, std::uint32_t number) {
  std::unique_ptr<SegmentFile> segment(new SegmentFile(disk, std::move(path), number));
  GODWIT_ASSIGN(auto file, disk.open(segment->path_, store::Disk::Open::write_existing));
  GODWIT_ASSIGN(const std::uint64_t size, file->size());
  GODWIT_ASSIGN(const std::string header, read_exactly(*file, 0, kFileHeader));
  if (header != file_header(number)) return fail(corrupt(segment->path_, "this is no trace segment"));
  GODWIT_ASSIGN(segment->sealed_, segment->read_trailer(*file, size));
  segment->bytes_ = size;
  if (segment->sealed_) return segment;
  GODWIT_TRY(segment->read_through(*file, size));
  segment->file_ = std::move(file);
  return segment;
}

Result<bool> SegmentFile::read_trailer(store::File& file, std::uint64_t size) {
  if (size < kFileHeader + kTrailer) return false;
  GODWIT_ASSIGN(const std::string trailer, read_exactly(file, size - kTrailer, kTrailer));
  const std::string_view view = trailer;
  if (view.size() != kTrailer || view.substr(28) != kIndexMagic || crc32c(view.substr(0, 24)) != read_be32(view.substr(24))) return false;
  index_at_ = read_be64(view);
  index_count_ = read_be32(view.substr(8));
  last_ = WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(read_be64(view.substr(16)))));
  return index_at_ + std::uint64_t{index_count_} * kEntry + kTrailer == size;
}

Result<void> SegmentFile::read_through(store::File& file, std::uint64_t size) {
  GODWIT_ASSIGN(const std::string bytes, read_exactly(file, 0, static_cast<std::size_t>(std::min<std::uint64_t>(size, UINT32_MAX))));
  std::uint32_t at = kFileHeader;
  while (at < bytes.size()) {
    const auto payload = verified_payload(std::string_view(bytes).substr(at), number_, at);
    if (!payload) break;  // the torn tail of a power cut: no mail depends on it
    if (const auto record = parse_record(*payload)) {
      for (const std::uint64_t hash : hashes_of(record->id, record->keys)) entries_.push_back({hash, at});
      for (const Event& event : record->events) widen(event.time);
    }
    at += static_cast<std::uint32_t>(kRecordHeader + payload->size());
  }
  bytes_ = at;
  return at < size ? file.truncate(at) : Result<void>{};
}

void SegmentFile::widen(WallTime time) {
  if (time == WallTime{}) return;  // keys without an event
  if (first_ == WallTime{} || time < first_) first_ = time;
  last_ = std::max(last_, time);
}

Result<void> SegmentFile::append(std::span<const Story> stories) {
  std::string bytes;
  std::vector<Entry> entries;
  for (const Story& story : stories) {
    const auto offset = static_cast<std::uint32_t>(bytes_ + bytes.size());
    append_record(bytes, number_, offset, story.id, story.keys, story.events);
    for (const std::uint64_t hash : story.hashes) entries.push_back({hash, offset});
  }
  GODWIT_TRY(file_->write_at(bytes_, bytes));
  bytes_ += bytes.size();
  for (const Story& story : stories) widen(story.last);
  entries_.insert(entries_.end(), entries.begin(), entries.end());
  return {};
}

Result<void> SegmentFile::seal() {
  std::ranges::sort(entries_);
  std::string index;
  index.reserve(entries_.size() * kEntry + kTrailer);
  for (const Entry& entry : entries_) {
    append_be64(index, entry.hash);
    append_be32(index, entry.offset);
  }
  std::string trailer;
  append_be64(trailer, bytes_);
  append_be32(trailer, static_cast<std::uint32_t>(entries_.size()));
  append_be32(trailer, crc32c(index));
  append_be64(trailer, static_cast<std::uint64_t>(last_.time_since_epoch().count()));
  append_be32(trailer, crc32c(trailer));
  trailer += kIndexMagic;
  GODWIT_TRY(file_->write_at(bytes_, index + trailer));
  index_at_ = bytes_;
  index_count_ = static_cast<std::uint32_t>(entries_.size());
  bytes_ += index.size() + trailer.size();
  sealed_ = true;
  entries_ = {};
  file_.reset();
  return {};
}

Result<SegmentFile::Entry> SegmentFile::entry_at(store::File& file, std::uint32_t index) const {
  GODWIT_ASSIGN(const std::string bytes, read_exactly(file, index_at_ + std::uint64_t{index} * kEntry, kEntry));
  if (bytes.size() != kEntry) return fail(corrupt(path_, "the index is short"));
  return Entry{read_be64(bytes), read_be32(std::string_view(bytes).substr(8))};
}

Result<std::vector<std::uint32_t>> SegmentFile::offsets(store::File& file, std::uint64_t hash) const {
  std::vector<std::uint32_t> out;
  if (!sealed_) {
    for (const Entry& entry : entries_)
      if (entry.hash == hash) out.push_back(entry.offset);
    return out;
  }
  std::uint32_t low = 0;
  std::uint32_t high = index_count_;
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    GODWIT_ASSIGN(const Entry entry, entry_at(file, middle));
    if (entry.hash < hash)
      low = middle + 1;
    else
      high = middle;
  }
  for (; low < index_count_; ++low) {
    GODWIT_ASSIGN(const Entry entry, entry_at(file, low));
    if (entry.hash != hash) break;
    out.push_back(entry.offset);
  }
  return out;
}

Result<Record> SegmentFile::read_record(store::File& file, std::uint32_t offset) const {
  GODWIT_ASSIGN(std::string bytes, read_exactly(file, offset, kRecordHeader));
  if (bytes.size() != kRecordHeader || read_be32(bytes) > kLongestPayload) return fail(corrupt(path_, "a record has no header"));
  GODWIT_ASSIGN(bytes, read_exactly(file, offset, kRecordHeader + read_be32(bytes)));
  const auto payload = verified_payload(bytes, number_, offset);
  if (!payload) return fail(corrupt(path_, "a record is damaged"));
  return parse_record(*payload);
}

Result<std::vector<Record>> SegmentFile::find(std::uint64_t hash) {
  std::unique_ptr<store::File> opened;
  store::File* file = file_.get();
  if (!file) {
    GODWIT_ASSIGN(opened, disk_.open(path_, store::Disk::Open::read));
    file = opened.get();
  }
  GODWIT_ASSIGN(const auto places, offsets(*file, hash));
  std::vector<Record> out;
  for (const std::uint32_t offset : places)
    if (auto record = read_record(*file, offset)) out.push_back(*std::move(record));
  return out;
}

}  // namespace godwit::trace
