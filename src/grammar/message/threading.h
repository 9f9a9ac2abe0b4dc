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

// RFC 5256 5 thread-list: "(2)(3 6 (4 23)(44 7 96))"; nothing for no messages.
void append_threads(std::string& out, const ThreadForest& forest);

}  // namespace godwit::message
