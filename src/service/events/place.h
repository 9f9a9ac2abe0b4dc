#pragma once
// How far a sink has come: a small file beside the stream, written in place, two slots by turns, so that whatever the process dies in
// leaves the one or the other. Never synced: after a power cut a sink may send some events again. docs/formats/events.md. Blocking.

#include <memory>
#include <optional>
#include <string>

#include "edge/store/disk.h"
#include "state/events/stream.h"

namespace godwit::events {

class Place {
 public:
  static Result<std::unique_ptr<Place>> open(store::Disk& disk, const std::string& path);

  std::optional<Position> position() const { return position_; }  // nothing: a new sink
  Result<void> save(Position position);

 private:
  explicit Place(std::unique_ptr<store::File> file) : file_(std::move(file)) {}

  std::unique_ptr<store::File> file_;
  std::optional<Position> position_;
  std::uint64_t turn_ = 0;
};

// "sink-mail-hooks.pos": letters, digits, '-', '.' and '_' of the name, the rest as %XX.
std::string place_name(std::string_view sink);

}  // namespace godwit::events
