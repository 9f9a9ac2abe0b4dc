#pragma once
// Where events go: what a webhook and the file have in common. Each sink reads the stream at its own pace from its own durable place;
// an event counts as taken only when the receiver has said so, so it may come twice, and its id tells.

#include <memory>
#include <string>

#include "base/task.h"
#include "state/events/stream.h"

namespace godwit::events {

// Events ready to go. A parcel that failed is sent again as it was.
struct Parcel {
  std::string id;  // the same whenever it is sent again
  std::string bytes;
  std::size_t events = 0;
};

struct Verdict {
  enum class Kind : std::uint8_t {
    taken,
    later,    // tried again
    smaller,  // with fewer events
    never,    // the receiver wants nothing more
  };
  Kind kind = Kind::taken;
  std::string why{};
  Duration wait{};  // later: not before; zero: by the schedule
};

// deliver() and close() on the sink's loop, pack() on the blocking pool.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual std::string_view kind() const = 0;    // "webhook", "file"
  virtual std::string name() const = 0;         // names its place too
  virtual std::string target() const = 0;       // for people
  virtual std::string fingerprint() const = 0;  // of its settings: another one means another sink
  virtual TypeSet types() const = 0;
  virtual std::size_t batch() const = 0;
  virtual Parcel pack(const Stream::Batch& batch) const = 0;
  virtual Task<Verdict> deliver(const Parcel& parcel) = 0;
  virtual void reopen() {}  // any thread: what it writes to may have been moved away
  virtual void cancel() {}  // ends deliver() soon
};

}  // namespace godwit::events
