#include "service/events/event_file.h"

#include <fmt/format.h>

#include "service/events/json.h"

namespace godwit::events {
namespace {

constexpr std::size_t kBatch = 1'000;

class EventFile final : public Sink {
 public:
  EventFile(FileSettings settings, BlockingPool& pool, Clock& clock)
      : settings_(std::move(settings)), pool_(pool), file_(settings_.rotation, clock) {}

  std::string_view kind() const override { return "file"; }
  std::string name() const override { return "file:" + settings_.rotation.path; }
  std::string target() const override { return settings_.rotation.path; }
  std::string fingerprint() const override {
    const store::RotationSettings& rotation = settings_.rotation;
    return fmt::format("{}\n{}\n{}\n{}\n{}", rotation.path, settings_.types, rotation.max_size, rotation.rotate_every.count(),
                       rotation.keep);
  }
  TypeSet types() const override { return settings_.types; }
  std::size_t batch() const override { return kBatch; }
  void reopen() override { file_.reopen(); }

  Parcel pack(const Stream::Batch& batch) const override {
    Parcel parcel;
    parcel.events = batch.events.size();
    for (const Event& event : batch.events) {
      append_json(parcel.bytes, event);
      parcel.bytes += '\n';
    }
    return parcel;
  }

  Task<Verdict> deliver(const Parcel& parcel) override {
    const auto written = co_await pool_.run([this, &parcel] { return file_.append(parcel.bytes); });
    if (written) co_return Verdict{};
    co_return Verdict{Verdict::Kind::later, written.error().text};
  }

 private:
  const FileSettings settings_;
  BlockingPool& pool_;
  store::RotatedFile file_;
};

}  // namespace

std::unique_ptr<Sink> make_event_file(FileSettings settings, BlockingPool& pool, Clock& clock) {
  return std::make_unique<EventFile>(std::move(settings), pool, clock);
}

}  // namespace godwit::events
