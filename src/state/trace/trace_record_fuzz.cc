// Records of trace segments from arbitrary bytes: no crash, and what parses survives being written again.

#include <cstdint>
#include <cstdlib>

#include "state/trace/record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace godwit::trace;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto payload = verified_payload(bytes, 1, 16); payload && payload->size() + kRecordHeader > bytes.size()) std::abort();
  const auto record = parse_record(bytes);
  if (!record) return 0;
  std::string keys;
  append_keys(keys, record->keys);
  std::string events;
  for (const Event& event : record->events) append_event(events, event.time, event.kind, event.detail);
  std::string again;
  append_record(again, 7, 16, record->id, keys, events);
  const auto payload = verified_payload(again, 7, 16);
  if (!payload) return 0;  // longer than a record may be
  const auto second = parse_record(*payload);
  if (!second || second->id != record->id || second->events.size() != record->events.size()) std::abort();
  return 0;
}
