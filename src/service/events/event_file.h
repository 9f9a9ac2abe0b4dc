#pragma once
// Events as lines of JSON in a file that is rotated.

#include "base/blocking_pool.h"
#include "edge/store/rotated_file.h"
#include "service/events/sink.h"

namespace godwit::events {

struct FileSettings {
  store::RotationSettings rotation;
  TypeSet types = kAllTypes;
};

std::unique_ptr<Sink> make_event_file(FileSettings settings, BlockingPool& pool, Clock& clock);

}  // namespace godwit::events
