#pragma once
// One trace segment: records, and when it is full an index behind them. docs/formats/trace.md.
// Blocking calls: the writer thread and the blocking pool, one at a time (the owner's lock).

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "edge/store/disk.h"
#include "state/trace/record.h"

namespace godwit::trace {

class SegmentFile {
 public:
  // A new, empty one. / One that exists: sealed as its trailer says, else read through; a torn tail is cut off.
  static Result<std::unique_ptr<SegmentFile>> create(store::Disk& disk, std::string path, std::uint32_t number);
  static Result<std::unique_ptr<SegmentFile>> open(store::Disk& disk, std::string path, std::uint32_t number);

  struct Story {
    MessageId id;
    std::string keys;    // as append_keys made it, or ""
    std::string events;  // as append_event made them
    std::vector<std::uint64_t> hashes;
    WallTime last{};  // of its newest event
  };
  // In one write. After an error nothing of it counts as written.
  Result<void> append(std::span<const Story> stories);
  // Writes the index; nothing is appended afterwards.
  Result<void> seal();

  // Records under a hash, oldest first, unverified hits included: the caller looks into them. Damaged ones are left out.
  Result<std::vector<Record>> find(std::uint64_t hash);

  std::uint32_t number() const { return number_; }
  const std::string& path() const { return path_; }
  bool sealed() const { return sealed_; }
  std::uint64_t bytes() const { return bytes_; }  // of the file
  WallTime last() const { return last_; }         // newest event
  WallTime first() const { return first_; }       // about the oldest one; while it is not sealed

 private:
  struct Entry {
    std::uint64_t hash;
    std::uint32_t offset;
    auto operator<=>(const Entry&) const = default;
  };

  SegmentFile(store::Disk& disk, std::string path, std::uint32_t number) : disk_(disk), path_(std::move(path)), number_(number) {}
  void widen(WallTime time);
  Result<bool> read_trailer(store::File& file, std::uint64_t size);
  Result<void> read_through(store::File& file, std::uint64_t size);
  Result<std::vector<std::uint32_t>> offsets(store::File& file, std::uint64_t hash) const;
  Result<Entry> entry_at(store::File& file, std::uint32_t index) const;
  Result<Record> read_record(store::File& file, std::uint32_t offset) const;

  store::Disk& disk_;
  std::string path_;
  std::uint32_t number_;
  std::unique_ptr<store::File> file_;  // while it is written
  std::uint64_t bytes_ = 0;
  WallTime first_{};
  WallTime last_{};
  bool sealed_ = false;
  std::vector<Entry> entries_;  // until it is sealed
  std::uint64_t index_at_ = 0;
  std::uint32_t index_count_ = 0;
};

}  // namespace godwit::trace
