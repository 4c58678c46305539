package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"
)

type object = map[string]any

// call sends a request and reads the answer into answer; the error of an answer becomes the error returned.
func call(method, path string, body, answer any) error {
	url := os.Getenv("HEADGATE_URL")
	if url == "" {
		url = "http://127.0.0.1:8787"
	}
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(method, url+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("HEADGATE_API_KEY"))
	request.Header.Set("Content-Type", "application/json")
	response, err := (&http.Client{Timeout: 2 * time.Minute}).Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= 400 {
		var refusal struct {
			Error struct{ Code, Message string }
		}
		if err := json.NewDecoder(response.Body).Decode(&refusal); err != nil {
			return err
		}
		return fmt.Errorf("%s: %s", refusal.Error.Code, refusal.Error.Message)
	}
	return json.NewDecoder(response.Body).Decode(answer)
}

func main() {
	texts := []string{"The cat sat on the mat", "A cat lay on the mat", "Interest rates rise again"}
	var answer struct {
		Data []struct{ Embedding []float64 }
	}
	if err := call("POST", "/v1/embeddings", object{"model": "demo", "input": texts}, &answer); err != nil {
		log.Fatal(err)
	}
	first := answer.Data[0].Embedding
	fmt.Println(len(first), "dimensions")

	// The vectors have length 1, so their product is the cosine of the angle between them.
	for index := 1; index < len(texts); index++ {
		cosine := 0.0
		for place, value := range answer.Data[index].Embedding {
			cosine += value * first[place]
		}
		fmt.Printf("%.0f %% like the first: %s\n", cosine*100, texts[index])
	}
}
