// Records of the event stream from arbitrary bytes: no crash, and what parses survives being written again.

#include <cstdint>
#include <cstdlib>

#include "state/events/record.h"
#include "state/events/segment.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace godwit::events;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::size_t damaged = 0;
  walk_records(bytes, 16, 16, 1, size % 2 == 0, damaged, [&](std::string_view payload, std::uint32_t behind) {
    if (behind < 16 || behind - 16 > size || payload.size() > size) std::abort();
    return true;
  });
  const auto event = parse_payload(bytes);
  if (!event) return 0;
  Draft draft;
  draft.type = event->type;
  draft.message = event->message;
  for (std::size_t i = 1; i < kTexts; ++i) draft.texts[i] = event->texts[i];
  draft.recipients = event->recipients;
  draft.recipient_count = event->recipient_count;
  draft.size = event->size;
  draft.attempt = event->attempt;
  draft.next_attempt = event->next_attempt;
  std::string again;
  append_record(again, draft);
  seal(again.data(), again.size(), 7, 16, event->id, event->time);
  const auto framed = framed_record(again, 7, 16);
  if (!framed) std::abort();
  const auto second = parse_payload(framed->payload);
  if (!second || second->id != event->id || second->type != event->type || second->size != event->size) std::abort();
  return 0;
}
