#pragma once
// All trace segments of a directory: the one that is written, the sealed ones, and when they go. Blocking; one caller at a time.

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "edge/store/disk.h"
#include "state/trace/segment_file.h"
#include "state/trace/trace.h"

namespace godwit::trace {

class SegmentSet {
 public:
  static Result<std::unique_ptr<SegmentSet>> open(const Settings& settings, store::Disk& disk);

  // Appends, seals what is full and removes what is too old or too much.
  Result<void> append(std::span<const SegmentFile::Story> stories);

  // Everything that is known of a message, oldest first.
  Result<std::vector<Event>> events(MessageId id);
  // Newest first, each once.
  Result<std::vector<MessageId>> by_message_id(std::string_view message_id, std::size_t limit);
  Result<std::vector<MessageId>> by_address(std::string_view address, std::size_t limit);

 private:
  SegmentSet(Settings settings, store::Disk& disk) : settings_(std::move(settings)), disk_(disk) {}
  Result<void> load();
  Result<SegmentFile*> writable();
  void remove_old();
  std::string path_of(std::uint32_t number) const;
  template <class Matches>
  Result<std::vector<MessageId>> find(std::uint64_t hash, std::size_t limit, Matches matches);

  Settings settings_;
  store::Disk& disk_;
  std::vector<std::unique_ptr<SegmentFile>> segments_;  // oldest first; only the last may be unsealed
  std::uint32_t next_number_ = 1;
};

}  // namespace godwit::trace
