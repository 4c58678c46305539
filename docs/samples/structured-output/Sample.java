import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;

class Sample {
    static final String URL = System.getenv().getOrDefault("HEADGATE_URL", "http://127.0.0.1:8787");
    static final HttpClient CLIENT = HttpClient.newHttpClient();

    /** Sends a request and returns the answer; throws the error of the answer. */
    static JsonObject call(String method, String path, String body) throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(URI.create(URL + path))
                .header("Authorization", "Bearer " + System.getenv("HEADGATE_API_KEY"))
                .header("Content-Type", "application/json")
                .timeout(Duration.ofMinutes(2))
                .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
                .build();
        var response = CLIENT.send(request, BodyHandlers.ofString());
        var answer = JsonParser.parseString(response.body()).getAsJsonObject();
        if (response.statusCode() >= 400) {
            var error = answer.getAsJsonObject("error");
            throw new IOException(error.get("code").getAsString() + ": " + error.get("message").getAsString());
        }
        return answer;
    }

    static class Event {
        String title;
        String day;
        List<String> guests;
    }

    public static void main(String[] arguments) throws Exception {
        var answer = call("POST", "/v1/chat/completions", """
                {
                  "model": "demo",
                  "messages": [{"role": "user", "content": "Lunch with Ada and Grace on Friday."}],
                  "response_format": {"type": "json_schema", "json_schema": {"name": "event", "strict": true, "schema": {
                    "type": "object",
                    "properties": {
                      "title": {"type": "string"},
                      "day": {"type": "string", "enum": ["Friday", "Saturday", "Sunday"]},
                      "guests": {"type": "array", "items": {"type": "string"}}
                    },
                    "required": ["title", "day", "guests"],
                    "additionalProperties": false
                  }}}
                }""");
        var choice = answer.getAsJsonArray("choices").get(0).getAsJsonObject();
        var message = choice.getAsJsonObject("message");
        var reason = choice.get("finish_reason").getAsString();
        // A refusal, or an answer cut by the token limit, holds no whole object.
        if (!reason.equals("stop") || message.get("content").isJsonNull()) {
            throw new IOException("no event: " + reason + " " + message.get("refusal"));
        }
        var event = new Gson().fromJson(message.get("content").getAsString(), Event.class);
        System.out.println(event.title + ", " + event.day + ", with " + String.join(" and ", event.guests));
    }
}
