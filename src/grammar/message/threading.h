#pragma once
// Messages put into threads: the algorithms of RFC 5256 3, ORDEREDSUBJECT and REFERENCES. Pure functions, any thread.
//
// Time is n log n in messages and references, whatever these say (loops, chains of any length, duplicates). Nesting costs no stack.

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace godwit::message {

struct ThreadMessage {
  std::uint32_t number = 0;             // what the answer calls it: UID or sequence number, not 0
  std::string message_id;               // as parse_message_ids() gives it; empty: none
  std::vector<std::string> references;  // see find_references(), the oldest first
  std::string subject;                  // the field's body, raw
  std::chrono::sys_seconds sent{};      // RFC 5256 2.2
};

// The same with numbers for what is compared, for who has them at hand: equal ones stand for equal msg-ids and equal base subjects.
struct ThreadEntry {
  std::uint32_t number = 0;
  std::uint64_t message_id = 0;       // 0: none
  std::size_t references_begin = 0;   // in a vector of all of them
  std::size_t references_count = 0;
  std::uint64_t base_subject = 0;     // 0: it is empty
  bool reply_or_forward = false;      // see BaseSubject
  std::chrono::sys_seconds sent{};
};

struct ThreadForest {
  struct Node {
    std::uint32_t number = 0;  // 0: of a message that is not here (REFERENCES only, at the top only)
    std::vector<std::uint32_t> children;
  };
  std::vector<Node> nodes;           // some may be in no thread
  std::vector<std::uint32_t> roots;  // in their order, as all children are
};

// `messages` in the order of the mailbox, which decides between equal dates. Every number comes out once.
ThreadForest thread_ordered_subject(std::span<const ThreadMessage> messages);
ThreadForest thread_references(std::span<const ThreadMessage> messages);

ThreadForest thread_ordered_subject(std::span<const ThreadEntry> messages);
ThreadForest thread_references(std::span<const ThreadEntry> messages, std::span<const std::uint64_t> references);

// RFC 5256 5 thread-list: "(2)(3 6 (4 23)(44 7 96))"; nothing for no messages.
void append_threads(std::string& out, const ThreadForest& forest);

}  // namespace godwit::message
