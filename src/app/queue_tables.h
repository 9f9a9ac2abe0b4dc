#pragma once
// What `godwit queue` prints for people, from the answers of the API. For the command alone.

#include <boost/json/object.hpp>

namespace godwit::app::queue_tables {

void show_list(const boost::json::object& answer);
void show_message(const boost::json::object& message);
void show_summary(const boost::json::object& summary);
// "2 dropped"; what is only asked for because the message is being tried this moment; what goes on in the background.
void show_acted(const boost::json::object& answer, const char* done);
void show_rules(const boost::json::object& answer);
void show_rule(const boost::json::object& rule);
void show_ended(const boost::json::object& answer);

}  // namespace godwit::app::queue_tables
