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

    public static void main(String[] arguments) throws Exception {
        String[] texts = {"The cat sat on the mat", "A cat lay on the mat", "Interest rates rise again"};
        var body = new JsonObject();
        body.addProperty("model", "demo");
        body.add("input", new Gson().toJsonTree(texts));
        var data = call("POST", "/v1/embeddings", body.toString()).getAsJsonArray("data");
        var vectors = new double[texts.length][];
        for (var index = 0; index < texts.length; index++) {
            vectors[index] = new Gson().fromJson(data.get(index).getAsJsonObject().get("embedding"), double[].class);
        }
        System.out.println(vectors[0].length + " dimensions");

        // The vectors have length 1, so their product is the cosine of the angle between them.
        for (var index = 1; index < texts.length; index++) {
            var cosine = 0.0;
            for (var place = 0; place < vectors[0].length; place++) {
                cosine += vectors[0][place] * vectors[index][place];
            }
            System.out.printf("%d %% like the first: %s%n", Math.round(cosine * 100), texts[index]);
        }
    }
}
